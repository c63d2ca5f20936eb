export interface ValueBarProps {
  readonly text: string;
  /** 0 to 1, of the greatest value in the table. */
  readonly share: number;
}

/** A value, with a bar that lets the eye compare. */
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
