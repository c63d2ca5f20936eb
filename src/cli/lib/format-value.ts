import { METRIC_UNIT, type MonitorMetric } from '../../model/query.ts';

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

/** A metric's value for people: bytes in powers of 1024, counts grouped, microseconds as ms. */
export function formatValue(metric: MonitorMetric, value: bigint | number): string {
  switch (METRIC_UNIT[metric]) {
    case 'Bytes':
      return formatBytes(Number(value));
    case 'Microseconds':
      return `${(Number(value) / 1000).toFixed(3)} ms`;
    case 'Count':
      return value.toLocaleString('en-US');
    default:
      throw new Error(`no unit for ${metric satisfies MonitorMetric}`);
  }
}

/** e.g. `1.5 MiB`; below 1024 whole bytes. */
export function formatBytes(bytes: number): string {
  let amount = bytes;
  let unit = 0;
  while (amount >= 1024 && unit < BYTE_UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? amount : amount.toFixed(1)} ${BYTE_UNITS[unit]}`;
}
