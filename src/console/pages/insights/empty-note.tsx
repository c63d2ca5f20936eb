import Box from '@cloudscape-design/components/box';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { EmptyMessage } from './empty-message.ts';

export interface EmptyNoteProps {
  readonly message: EmptyMessage;
  /** Whether to say what to check when no flow was seen. */
  readonly advise: boolean;
}

/** No losses where there is traffic is good news; nothing at all is no news, and says what to check. */
export function EmptyNote({ message, advise }: EmptyNoteProps) {
  if (message.meaning === 'good') {
    return <StatusIndicator type="success">{message.text}</StatusIndicator>;
  }
  // Said in full once, at the top of the page or in the first section.
  if (!advise || message.meaning === 'quiet') {
    return <StatusIndicator type="stopped">{message.text}</StatusIndicator>;
  }
  return (
    <Box textAlign="center" color="text-body-secondary" padding="l">
      <Box variant="strong">{message.text}</Box>
      {message.meaning === 'nothing' ? (
        <Box variant="p" color="text-body-secondary">
          Is an agent running and reporting (<Box variant="code">nfm agent</Box>)? Is the scope
          ready, and the agent’s account and Region in it? The first report comes about 30 seconds
          after an agent’s start.
        </Box>
      ) : undefined}
    </Box>
  );
}
