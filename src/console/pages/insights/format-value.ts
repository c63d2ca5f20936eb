import type { MetricUnit } from '../../../model/query.ts';

const BYTE_UNITS = ['KB', 'MB', 'GB', 'TB', 'PB', 'EB'] as const;
const DECIMAL = new Intl.NumberFormat('en-US', {
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
});
const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const COMPACT = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });

/**
 * A value with its unit. Bytes in steps of 1,000, as rates and prices are, with 2 decimals from a
 * kilobyte up (`385.68 KB`); counts whole, with separators (`12,345`).
 */
export function formatValue(value: number | bigint, unit: MetricUnit): string {
  switch (unit) {
    case 'Bytes':
      return formatBytes(Number(value));
    case 'Count':
      return WHOLE.format(value);
    case 'Microseconds':
      return `${WHOLE.format(value)} µs`;
    default:
      throw new Error(`no such unit: ${unit satisfies never}`);
  }
}

function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${WHOLE.format(bytes)} B`;
  let step = 0;
  let scaled = bytes / 1000;
  // 999.995 would print as 1,000.00 of the smaller unit.
  while (scaled >= 999.995 && step < BYTE_UNITS.length - 1) {
    scaled /= 1000;
    step += 1;
  }
  return `${DECIMAL.format(scaled)} ${BYTE_UNITS[step]}`;
}

/** The same for the axis of a chart, as short as can be: `1.5 MB`, `12K`. */
export function formatTick(value: number, unit: MetricUnit): string {
  if (unit !== 'Bytes') return COMPACT.format(value);
  return value === 0 ? '0' : formatValue(value, unit).replace(/\.00 |(\.\d)0 /, '$1 ');
}

const TIME = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  hour: '2-digit',
  minute: '2-digit',
});
const TIME_WITH_SECONDS = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});

/** `14:05`, UTC. */
export function formatTime(millis: number): string {
  return TIME.format(millis);
}

/** `14:05:09`, UTC. */
export function formatTimeWithSeconds(millis: number): string {
  return TIME_WITH_SECONDS.format(millis);
}
