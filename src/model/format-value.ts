import type { MetricUnit } from './query.ts';

const BYTE_UNITS = ['KB', 'MB', 'GB', 'TB', 'PB', 'EB'] as const;
const TWO_DECIMALS = new Intl.NumberFormat('en-US', {
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
});
const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/**
 * A value with its unit, as the console and the CLI show it: `385.68 KB`, `12,345`, `772 µs`,
 * `1.24 ms`. Bytes are in steps of 1,000, as network rates and prices are.
 */
export function formatValue(value: number | bigint, unit: MetricUnit): string {
  switch (unit) {
    case 'Bytes':
      return formatBytes(Number(value));
    case 'Count':
      return WHOLE.format(value);
    case 'Microseconds':
      return formatMicros(Number(value));
    default:
      throw new Error(`no such unit: ${unit satisfies never}`);
  }
}

function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${WHOLE.format(bytes)} B`;
  let step = 0;
  let scaled = bytes / 1000;
  // 999.995 would be printed as 1,000.00 of the smaller unit.
  while (scaled >= 999.995 && step < BYTE_UNITS.length - 1) {
    scaled /= 1000;
    step += 1;
  }
  return `${TWO_DECIMALS.format(scaled)} ${BYTE_UNITS[step]}`;
}

function formatMicros(micros: number): string {
  return micros < 999.5 ? `${WHOLE.format(micros)} µs` : `${TWO_DECIMALS.format(micros / 1000)} ms`;
}
