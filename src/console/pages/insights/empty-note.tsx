import Box from '@cloudscape-design/components/box';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { EmptyMessage } from './empty-message.ts';

export interface EmptyNoteProps {
  readonly message: EmptyMessage;
  /** Whether to list what to check when no flow was reported. */
  readonly advise: boolean;
}

/** Shown instead of chart and table when a section has no data. */
export function EmptyNote({ message, advise }: EmptyNoteProps) {
  if (message.meaning === 'good') {
    return <StatusIndicator type="success">{message.text}</StatusIndicator>;
  }
  // The full text appears only once: at the top of the page or in the first section.
  if (!advise || message.meaning === 'quiet') {
    return <StatusIndicator type="stopped">{message.text}</StatusIndicator>;
  }
  return (
    <Box textAlign="center" color="text-body-secondary" padding="l">
      <Box variant="strong">{message.text}</Box>
      {message.meaning === 'nothing' ? (
        <Box variant="p" color="text-body-secondary">
          Is an agent running and reporting (<Box variant="code">nfm agent</Box>)? Is the scope
          ready, and does it include the agent’s account and Region? An agent sends its first report
          about 30 seconds after its start.
        </Box>
      ) : undefined}
    </Box>
  );
}
