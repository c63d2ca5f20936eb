export interface ValueBarProps {
  readonly text: string;
  /** Share of the greatest value in the table, 0 to 1. */
  readonly share: number;
}

/** A value with a bar for comparison. */
export function ValueBar({ text, share }: ValueBarProps) {
  return (
    <div className="value-bar">
      <span className="value-text">{text}</span>
      <span className="value-track" aria-hidden="true">
        <span style={{ inlineSize: `${Math.max(1, share * 100)}%` }} />
      </span>
    </div>
  );
}
