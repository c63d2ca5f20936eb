import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';

export interface NoMatchProps {
  readonly onClear: () => void;
}

/** Shown in a table when its filter hides every row. */
export function NoMatch({ onClear }: NoMatchProps) {
  return (
    <Box textAlign="center">
      <SpaceBetween size="s">
        <Box color="text-body-secondary">No contributor matches the filter.</Box>
        <Button onClick={onClear}>Clear the filter</Button>
      </SpaceBetween>
    </Box>
  );
}
