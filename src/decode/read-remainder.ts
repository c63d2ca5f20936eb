import { CATEGORY_HINTS, REMAINDER_ATTRIBUTES, type Remainder } from '../model/report.ts';
import type { WireRemainder } from '../wire/otlp/decode-report.ts';
import { normaliseValues } from './read-flow.ts';

const UINT32 = 2 ** 32 - 1;

/**
 * Reads the sums of the flows that the agent cut from a report; undefined when they are invalid.
 */
export function readRemainder({ attributes, values }: WireRemainder): Remainder | undefined {
  const side = attributes.get(REMAINDER_ATTRIBUTES.side);
  const hint = CATEGORY_HINTS.find((known) => known === attributes.get(REMAINDER_ATTRIBUTES.hint));
  const flows = Number(attributes.get(REMAINDER_ATTRIBUTES.flows));
  if ((side !== 'client' && side !== 'server') || hint === undefined) return undefined;
  if (!(flows >= 1 && flows <= UINT32) || !normaliseValues(values)) return undefined;
  return { side, hint, flows, values };
}
