import { zoneText } from './zone-text.ts';

export interface ZoneLegendProps {
  readonly items: readonly { readonly zone: string; readonly colour: string }[];
}

/** The colour of each zone. */
export function ZoneLegend({ items }: ZoneLegendProps) {
  return (
    <ul className="zone-legend" aria-label="Availability Zones">
      {items.map(({ zone, colour }) => (
        <li key={zone}>
          <span className="zone-mark" style={{ background: colour }} />
          {zoneText(zone)}
        </li>
      ))}
    </ul>
  );
}
