import { formatValue } from '../../../model/format-value.ts';
import type { MetricUnit } from '../../../model/query.ts';

const COMPACT = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });

/** A value for the axis of a chart, as short as possible: `1.5 MB`, `12K`. */
export function formatTick(value: number, unit: MetricUnit): string {
  if (unit !== 'Bytes') return COMPACT.format(value);
  return value === 0 ? '0' : formatValue(value, unit).replace(/\.00 |(\.\d)0 /, '$1 ');
}
