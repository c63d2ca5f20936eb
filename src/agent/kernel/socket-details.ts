import { type PlainMetric, type TimingMetric, VALUE_NAMES } from '../../model/flow-metrics.ts';
import {
  PLAIN_TABLE,
  type PlainDescription,
  type SocketField,
  TIMING_TABLE,
  type TimingDescription,
} from '../../model/metric-table.ts';
import { type StructField, structLayout } from './struct-layout.ts';
import { uint64 } from './uint64.ts';

/**
 * The numbers of one socket, in the order of `DETAILS`: counters since the socket was opened, and
 * measures as of now (0: none yet). Times are in microseconds.
 */
export type SocketDetails = ArrayLike<number>;

/** The metrics that the kernel keeps as a number of the socket. */
export type DetailMetric = Extract<
  (typeof PLAIN_TABLE | typeof TIMING_TABLE)[number],
  { readonly socket: SocketField }
>['name'];

type Metric = PlainDescription<PlainMetric> | TimingDescription<TimingMetric>;
type Detail = Metric & { readonly name: DetailMetric; readonly socket: SocketField };

const METRICS: readonly Metric[] = [...PLAIN_TABLE, ...TIMING_TABLE];
const DETAILS = METRICS.filter((metric): metric is Detail => metric.socket !== undefined).sort(
  // Fields of 64 bits first, so that the struct has no holes.
  (a, b) => b.socket.bits - a.socket.bits,
);

export const DETAIL_METRICS: readonly DetailMetric[] = DETAILS.map(({ name }) => name);
export const DETAILS_LENGTH = DETAILS.length;

/** The fields of `struct details`; an array counts as that many fields. */
export const DETAILS_FIELDS: readonly StructField[] = DETAILS.map(({ socket }) => [
  socket.field,
  socket.bits === 64 ? 'u64' : 'u32',
]);
export const DETAILS_LAYOUT = structLayout(DETAILS_FIELDS);

/** Maps a number of the socket to the flow's value that it is added to. */
export interface DetailPlace {
  /** Index in `SocketDetails`. */
  readonly detail: number;
  /** Index in a flow's values. For a timing, the index of its count. */
  readonly value: number;
  /** True for a counter of 64 bits. A counter of 32 bits wraps. */
  readonly isWide: boolean;
}

const isSample = (metric: Detail): boolean => VALUE_NAMES.includes(`${metric.name}_count`);
const placesOf = (isWanted: (metric: Detail) => boolean): readonly DetailPlace[] =>
  DETAILS.flatMap((metric, detail) => {
    if (!isWanted(metric)) return [];
    const name = isSample(metric) ? `${metric.name}_count` : metric.name;
    return [{ detail, value: VALUE_NAMES.indexOf(name), isWide: metric.bits === 64 }];
  });

export const COUNTER_DETAILS = placesOf((metric) => !isSample(metric));
export const SAMPLE_DETAILS = placesOf(isSample);

export function detailIndex(metric: DetailMetric): number {
  return DETAIL_METRICS.indexOf(metric);
}

const WIDE_DETAILS = DETAILS.filter(({ socket }) => socket.bits === 64).length;
const WIDE_BYTES = WIDE_DETAILS * 8;

/** The kernel counts these three in ticks. */
const BUSY = detailIndex('busy_us');
const RWND_LIMITED = detailIndex('rwnd_limited_us');
const SNDBUF_LIMITED = detailIndex('sndbuf_limited_us');

/** Reads `struct details` into one array: valid until the next is read. */
export class DetailsReader {
  readonly #jiffyMicros: number;
  readonly #details = new Float64Array(DETAILS_LENGTH);

  /** @param jiffyMicros the kernel's tick */
  constructor(jiffyMicros: number) {
    this.#jiffyMicros = jiffyMicros;
  }

  read(view: DataView, at: number): SocketDetails {
    const details = this.#details;
    const wide = WIDE_DETAILS;
    const length = DETAILS_LENGTH;
    for (let i = 0; i < wide; i += 1) details[i] = uint64(view, at + i * 8);
    const narrow = at + wide * 4;
    for (let i = wide; i < length; i += 1) details[i] = view.getUint32(narrow + i * 4, true);
    // The kernel's busy time excludes the time that a limit held the sender up; ours includes it.
    const rwndLimited = details[RWND_LIMITED] ?? 0;
    const sndbufLimited = details[SNDBUF_LIMITED] ?? 0;
    const busy = (details[BUSY] ?? 0) + rwndLimited + sndbufLimited;
    details[BUSY] = busy * this.#jiffyMicros;
    details[RWND_LIMITED] = rwndLimited * this.#jiffyMicros;
    details[SNDBUF_LIMITED] = sndbufLimited * this.#jiffyMicros;
    return details;
  }
}

/** Writes `struct details` at the beginning of the view, as the program in the kernel does. */
export function writeDetails(view: DataView, details: SocketDetails, jiffyMicros: number): void {
  const fields = Array.from(details);
  const limited = (fields[RWND_LIMITED] ?? 0) + (fields[SNDBUF_LIMITED] ?? 0);
  fields[BUSY] = Math.max(0, (fields[BUSY] ?? 0) - limited);
  for (const i of [BUSY, RWND_LIMITED, SNDBUF_LIMITED]) {
    fields[i] = Math.round((fields[i] ?? 0) / jiffyMicros);
  }
  for (const [i, field] of fields.entries()) {
    if (i < WIDE_DETAILS) view.setBigUint64(i * 8, BigInt(field), true);
    else view.setUint32(WIDE_BYTES + (i - WIDE_DETAILS) * 4, field, true);
  }
}

/** `tcpi_min_rtt` before the first measurement. */
const NOT_MEASURED = 0xffff_ffff;

/** Reads each detail from a `struct tcp_info` by `read`, which gives 0 past the struct's end. */
export function detailsOfTcpInfo(
  read: (field: { readonly offset: number; readonly bits: 32 | 64 }) => number,
): SocketDetails {
  return DETAILS.map((metric) => {
    const value = metric.socket.tcpInfo === undefined ? 0 : read(metric.socket.tcpInfo);
    return isSample(metric) && value === NOT_MEASURED ? 0 : value;
  });
}
