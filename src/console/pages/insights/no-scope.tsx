import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { Owner } from '../../../model/owner.ts';

export interface NoScopeProps {
  readonly owner: Owner;
  readonly busy: boolean;
  readonly onCreate: () => void;
}

/** Explains what a scope is and creates one. */
export function NoScope({ owner, busy, onCreate }: NoScopeProps) {
  return (
    <Container>
      <Box textAlign="center" padding="xl">
        <SpaceBetween size="m">
          <Box variant="h2">There is no scope yet</Box>
          <Box color="text-body-secondary">
            A scope selects the accounts and Regions whose flows you see. Agents report without one,
            too: their flows appear as soon as you create it.
          </Box>
          <Button variant="primary" loading={busy} onClick={onCreate}>
            {`Create a scope for ${owner.account} in ${owner.region}`}
          </Button>
          <Box color="text-body-secondary">
            or, on the command line: <Box variant="code">nfm scope create</Box>
          </Box>
        </SpaceBetween>
      </Box>
    </Container>
  );
}
