import { LOOPBACK_IDENTIFIER } from '../../../model/enriched-flow.ts';

/** How a series' label is called: its zone's id but for the two that are none. */
export function zoneText(zone: string): string {
  if (zone === LOOPBACK_IDENTIFIER) return 'Loopback';
  return zone === '' || zone === 'unknown' ? 'Unknown zone' : zone;
}
