import { LOOPBACK_IDENTIFIER } from '../../../model/enriched-flow.ts';

/** The text for the label of a series: the zone's ID, or a name for loopback and unknown zones. */
export function zoneText(zone: string): string {
  if (zone === LOOPBACK_IDENTIFIER) return 'Loopback';
  return zone === '' || zone === 'unknown' ? 'Unknown zone' : zone;
}
