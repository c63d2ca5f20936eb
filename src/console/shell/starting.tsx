import StatusIndicator from '@cloudscape-design/components/status-indicator';

export interface StartingProps {
  readonly text: string;
}

/** Fills the page for the moment before there is one. */
export function Starting({ text }: StartingProps) {
  return (
    <main className="starting">
      <StatusIndicator type="loading">{text}</StatusIndicator>
    </main>
  );
}
