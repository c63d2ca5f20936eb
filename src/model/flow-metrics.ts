/**
 * The metrics a report carries for each flow, by their names on the wire. `plain` ones are one
 * number; `timing` ones are samples with count, min, max and sum: microseconds, but for
 * `delivery_rate`, bytes a second. Those from `busy_us` and `min_rtt_us` on are ours: the existing
 * agent does not send them, and others skip them.
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
  'busy_us',
  'rwnd_limited_us',
  'sndbuf_limited_us',
  'segments_out_of_order',
  'reorderings',
  'dsacks',
  'segments_ce',
] as const;
export type PlainMetric = (typeof PLAIN_METRICS)[number];

export const TIMING_METRICS = [
  'connect_us',
  'rtt_us',
  'rtt_smoothed_us',
  'min_rtt_us',
  'delivery_rate',
] as const;
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

/** Of the existing agent's, what not every way of reading the kernel tells. */
export const UNTOLD_METRICS = [
  'severed_connect',
  'severed_establish',
  'rtos_syn',
  'rtos_est',
  'rtos_close',
] as const satisfies readonly PlainMetric[];

/** Our own: what held senders up, and disorder. Known together, or not at all. */
export const DETAIL_METRICS: readonly PlainMetric[] = PLAIN_METRICS.slice(plainIndex('busy_us'));

const OPTIONAL_PLACES: ReadonlySet<number> = new Set(
  [...UNTOLD_METRICS, ...DETAIL_METRICS].map(plainIndex),
);
const FIRST_OPTIONAL_TIMING = TIMING_METRICS.indexOf('min_rtt_us');

/** Whether a report may leave a plain value out: it is NaN where it does. */
export function isOptionalPlain(index: number): boolean {
  return OPTIONAL_PLACES.has(index);
}

const BUSY = plainIndex('busy_us');

/** Most details are 0, and then a report has only the first. */
export function isLeftOutWhenZero(index: number): boolean {
  return index > BUSY && index < PLAIN_METRICS.length;
}

/** Puts back the zeros that a report left out. */
export function completeValues(values: Float64Array): void {
  if (Number.isNaN(values[BUSY])) return;
  for (let place = BUSY + 1; place < PLAIN_METRICS.length; place += 1) values[place] ||= 0;
}

/** Timings that a report may leave out: their count is 0 where it does. */
export function isOptionalTiming(metric: TimingMetric): boolean {
  return TIMING_METRICS.indexOf(metric) >= FIRST_OPTIONAL_TIMING;
}

/** Values of a flow of which nothing is known yet: 0, and NaN where 0 would say something. */
export function emptyValues(): Float64Array {
  return markUnknown(new Float64Array(VALUES_LENGTH));
}

/** Sets the optional places of values that are all 0. */
export function markUnknown(values: Float64Array): Float64Array {
  for (const place of OPTIONAL_PLACES) values[place] = Number.NaN;
  return values;
}

const UINT32 = 2 ** 32 - 1;
const WIDE_PLAIN: ReadonlySet<PlainMetric> = new Set([
  'bytes_received',
  'bytes_delivered',
  'segments_received',
  'segments_delivered',
  'busy_us',
  'rwnd_limited_us',
  'sndbuf_limited_us',
]);
const FIRST_RATE = timingIndex('delivery_rate');

/** Whether a value takes 64 bits in its column: bytes, segments, rates, and sums of times. */
export function isWide(index: number): boolean {
  const plain = PLAIN_METRICS[index];
  if (plain !== undefined) return WIDE_PLAIN.has(plain);
  const part = TIMING_PARTS[(index - PLAIN_METRICS.length) % TIMING_PARTS.length];
  return part === 'sum' || (index > FIRST_RATE && part !== 'count');
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

/** Adds the values of a flow to those of others; what either does not know is what the other does. */
export function addValues(to: Float64Array, from: Float64Array): void {
  for (const index of PLAIN_METRICS.keys()) {
    const value = from[index] ?? 0;
    if (!Number.isNaN(value)) to[index] = (to[index] || 0) + value;
  }
  for (const metric of TIMING_METRICS) addTiming(to, from, timingIndex(metric));
}

function addTiming(to: Float64Array, from: Float64Array, first: number): void {
  const [count = 0, min = 0, max = 0, sum = 0] = from.subarray(first, first + TIMING_PARTS.length);
  if (count === 0) return;
  const before = to[first] ?? 0;
  to[first] = before + count;
  to[first + 1] = before === 0 ? min : Math.min(to[first + 1] ?? 0, min);
  to[first + 2] = Math.max(to[first + 2] ?? 0, max);
  to[first + 3] = (to[first + 3] ?? 0) + sum;
}
