import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ContentLayout from '@cloudscape-design/components/content-layout';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { hrefOf } from './console-path.ts';
import { navigate } from './use-path.ts';

export interface NotFoundPageProps {
  readonly path: string;
}

/** Shown for an address that belongs to no page. */
export function NotFoundPage({ path }: NotFoundPageProps) {
  return (
    <ContentLayout header={<Header variant="h1">Page not found</Header>}>
      <SpaceBetween size="m">
        <Box variant="p">
          The console has no page at <Box variant="code">{hrefOf(path)}</Box>.
        </Box>
        <Button
          href={hrefOf('/')}
          onFollow={(event) => {
            event.preventDefault();
            navigate('/');
          }}
        >
          Open the start page
        </Button>
      </SpaceBetween>
    </ContentLayout>
  );
}
