import { HOST_COUNTERS } from '../model/host-stats.ts';
import { HOST_STATS_ATTRIBUTES, type InterfaceStats } from '../model/report.ts';
import type { WireHostStats } from '../wire/otlp/decode-report.ts';
import { cutText } from './host-description.ts';

/**
 * Reads the counters of a network card. Drops unknown counters and values that are no valid counts.
 * Returns undefined when the card has no id or no counter is left.
 */
export function readHostStats({ attributes, values }: WireHostStats): InterfaceStats | undefined {
  const interfaceId = attributes.get(HOST_STATS_ATTRIBUTES.interfaceId);
  if (typeof interfaceId !== 'string' || interfaceId === '') return undefined;
  const known = HOST_COUNTERS.flatMap((counter) => {
    const value = values[counter];
    return value !== undefined && isCount(value) ? [[counter, Math.round(value)] as const] : [];
  });
  if (known.length === 0) return undefined;
  return { interfaceId: cutText(interfaceId), values: Object.fromEntries(known) };
}

function isCount(value: number): boolean {
  return value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}
