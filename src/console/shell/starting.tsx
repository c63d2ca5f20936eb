import StatusIndicator from '@cloudscape-design/components/status-indicator';

export interface StartingProps {
  readonly text: string;
}

/** Fills the page while it is loading. */
export function Starting({ text }: StartingProps) {
  return (
    <div className="starting">
      <StatusIndicator type="loading">{text}</StatusIndicator>
    </div>
  );
}
