import {
  PLAIN_TABLE,
  type PlainDescription,
  TIMING_TABLE,
  type TimingDescription,
} from './metric-table.ts';

export type PlainMetric = (typeof PLAIN_TABLE)[number]['name'];
export type TimingMetric = (typeof TIMING_TABLE)[number]['name'];

const PLAIN: readonly PlainDescription<PlainMetric>[] = PLAIN_TABLE;
const TIMING: readonly TimingDescription<TimingMetric>[] = TIMING_TABLE;

export const PLAIN_METRICS: readonly PlainMetric[] = PLAIN.map(({ name }) => name);
export const TIMING_METRICS: readonly TimingMetric[] = TIMING.map(({ name }) => name);

export const TIMING_PARTS = ['count', 'min', 'max', 'sum'] as const;
export type TimingPart = (typeof TIMING_PARTS)[number];

/**
 * The length of a flow's `values` array: plain metrics first, then four parts for each timing. One
 * flat array of doubles (as on the wire: OTLP sums are doubles, so exact up to 2^53) keeps the hot
 * path free of property lookups by computed name.
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

/** Column names of the values, in their order: `bytes_received`, …, `rtt_us_sum`. */
export const VALUE_NAMES: readonly string[] = [
  ...PLAIN_METRICS,
  ...TIMING_METRICS.flatMap((metric) => TIMING_PARTS.map((part) => `${metric}_${part}`)),
];

/** Levels are as of the end of a window: their sum over windows has no meaning. */
export const LEVEL_METRICS: readonly PlainMetric[] = namesWhere(({ kind }) => kind === 'level');

const OPTIONAL = namesWhere(({ isOptional }) => isOptional === true).map(plainIndex);
const ZERO_IMPLIED = namesWhere((metric) => metric.isZeroImplied === true).map(plainIndex);

/**
 * Optional metrics that the collectors count event by event, so that a flow without events has 0.
 * The other optional metrics are unknown until the first number of a socket arrives.
 */
export const COUNTED_OPTIONAL_METRICS: readonly PlainMetric[] = namesWhere(
  ({ isOptional, socket }) => isOptional === true && socket === undefined,
);

function namesWhere(isWanted: (metric: PlainDescription) => boolean): readonly PlainMetric[] {
  return PLAIN.filter(isWanted).map(({ name }) => name);
}

/** Whether a report may lack a plain value: it is then NaN. */
export function isOptionalPlain(index: number): boolean {
  return OPTIONAL.includes(index);
}

/**
 * Whether a report that has `busy_us` leaves the value out when it is 0, its most frequent value.
 */
export function isZeroImplied(index: number): boolean {
  return ZERO_IMPLIED.includes(index);
}

const BUSY = plainIndex('busy_us');

/** Restores the zeros that `isZeroImplied` leaves out of a report. */
export function completeValues(values: Float64Array): void {
  if (Number.isNaN(values[BUSY])) return;
  for (const index of ZERO_IMPLIED) values[index] ||= 0;
}

/** Whether a report may lack a timing: its count is then 0. */
export function isOptionalTiming(metric: TimingMetric): boolean {
  return TIMING.some(({ name, isOptional }) => name === metric && isOptional === true);
}

/** Values of a flow before anything is known of it: 0, or NaN where a metric is optional. */
export function emptyValues(): Float64Array {
  return markUnknown(new Float64Array(VALUES_LENGTH));
}

/** Sets the optional plain values to NaN. */
export function markUnknown(values: Float64Array): Float64Array {
  for (const index of OPTIONAL) values[index] = Number.NaN;
  return values;
}

const UINT32 = 2 ** 32 - 1;

/** Whether a value takes 64 bits in its column. */
export function isWide(index: number): boolean {
  const plain = PLAIN[index];
  if (plain !== undefined) return plain.bits === 64;
  const timing = TIMING[Math.floor((index - PLAIN.length) / TIMING_PARTS.length)];
  const part = TIMING_PARTS[(index - PLAIN.length) % TIMING_PARTS.length];
  return part === 'sum' || (part !== 'count' && timing?.bits === 64);
}

/** The limit of each value: its column's width, and 2^53 - 1, up to which a double is exact. */
export const WIDEST_VALUES: readonly number[] = Array.from({ length: VALUES_LENGTH }, (_, i) =>
  isWide(i) ? Number.MAX_SAFE_INTEGER : UINT32,
);

/**
 * Adds the values of one flow to those of another. Where one of the two is unknown, the sum is the
 * other.
 */
export function addValues(to: Float64Array, from: Float64Array): void {
  for (const index of PLAIN_METRICS.keys()) {
    const value = from[index] ?? 0;
    if (!Number.isNaN(value)) to[index] = (to[index] || 0) + value;
  }
  for (const metric of TIMING_METRICS) addTiming(to, from, timingIndex(metric));
}

function addTiming(to: Float64Array, from: Float64Array, first: number): void {
  const [count = 0, min = 0, max = 0, sum = 0] = from.subarray(first, first + TIMING_PARTS.length);
  addSamples(to, first, { count, min, max, sum });
}

export interface Samples {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly sum: number;
}

/** Adds samples to the timing that begins at `first`. */
export function addSamples(values: Float64Array, first: number, samples: Samples): void {
  const { count, min, max, sum } = samples;
  if (count === 0) return;
  const before = values[first] ?? 0;
  values[first] = before + count;
  values[first + 1] = before === 0 ? min : Math.min(values[first + 1] ?? 0, min);
  values[first + 2] = Math.max(values[first + 2] ?? 0, max);
  values[first + 3] = (values[first + 3] ?? 0) + sum;
}
