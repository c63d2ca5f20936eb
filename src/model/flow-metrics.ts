/**
 * The metrics a report carries for each flow, by their names on the wire. `plain` ones are one
 * number; `timing` ones are microseconds with count, min, max and sum.
 */
export const PLAIN_METRICS = [
  'sockets_connecting',
  'sockets_established',
  'sockets_closing',
  'sockets_closed',
  'sockets_completed',
  'severed_connect',
  'severed_establish',
  'connect_attempts',
  'bytes_received',
  'bytes_delivered',
  'segments_received',
  'segments_delivered',
  'retrans_syn',
  'retrans_est',
  'retrans_close',
  'rtos_syn',
  'rtos_est',
  'rtos_close',
] as const;
export type PlainMetric = (typeof PLAIN_METRICS)[number];

export const TIMING_METRICS = ['connect_us', 'rtt_us', 'rtt_smoothed_us'] as const;
export type TimingMetric = (typeof TIMING_METRICS)[number];

export const TIMING_PARTS = ['count', 'min', 'max', 'sum'] as const;
export type TimingPart = (typeof TIMING_PARTS)[number];

/**
 * Where each value stands in a flow's `values` array: plain metrics first, then four parts for
 * each timing. One flat array of doubles (as on the wire: OTLP sums are doubles, so exact up to
 * 2^53) keeps the hot path free of property lookups by computed name.
 */
export const VALUES_LENGTH = PLAIN_METRICS.length + TIMING_METRICS.length * TIMING_PARTS.length;

export function plainIndex(metric: PlainMetric): number {
  return PLAIN_METRICS.indexOf(metric);
}

/** The index of `count`; `min`, `max` and `sum` follow it. */
export function timingIndex(metric: TimingMetric, part: TimingPart = 'count'): number {
  const first = PLAIN_METRICS.length + TIMING_METRICS.indexOf(metric) * TIMING_PARTS.length;
  return first + TIMING_PARTS.indexOf(part);
}

const UINT32 = 2 ** 32 - 1;
const WIDE_PLAIN: ReadonlySet<PlainMetric> = new Set([
  'bytes_received',
  'bytes_delivered',
  'segments_received',
  'segments_delivered',
]);

/** Whether a value takes 64 bits in its column: bytes, segments, and the sums of timings. */
export function isWide(index: number): boolean {
  const plain = PLAIN_METRICS[index];
  if (plain !== undefined) return WIDE_PLAIN.has(plain);
  return TIMING_PARTS[(index - PLAIN_METRICS.length) % TIMING_PARTS.length] === 'sum';
}

/** The greatest value each place may hold: its column's width, and what a double holds exactly. */
export const WIDEST_VALUES: readonly number[] = Array.from({ length: VALUES_LENGTH }, (_, i) =>
  isWide(i) ? Number.MAX_SAFE_INTEGER : UINT32,
);

/** Column names of the values, in their order: `bytes_received`, …, `rtt_us_sum`. */
export const VALUE_NAMES: readonly string[] = [
  ...PLAIN_METRICS,
  ...TIMING_METRICS.flatMap((metric) => TIMING_PARTS.map((part) => `${metric}_${part}`)),
];
