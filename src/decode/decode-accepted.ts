import type { AcceptedReport } from '../model/accepted-report.ts';
import type { Owner } from '../model/owner.ts';
import type { HostDescription, InterfaceStats, Remainder, ReportedFlow } from '../model/report.ts';
import { decodeReport, type WireReport } from '../wire/otlp/decode-report.ts';
import { readHost } from './host-description.ts';
import { type FlowRefusal, readFlow } from './read-flow.ts';
import { readHostStats } from './read-host-stats.ts';
import { readRemainder } from './read-remainder.ts';

/** The reasons why part of an accepted report is not stored. */
export const REFUSALS = [
  'malformed',
  'too-many',
  'protocol',
  'address',
  'address-kind',
  'port',
  'value',
  'time-ahead',
  'time-expired',
  'remainder',
  'host-stats',
] as const;
export type Refusal = (typeof REFUSALS)[number];

export interface DecodedReport {
  readonly owner: Owner;
  readonly host: HostDescription;
  /** The time of the report's rows, seconds since 1970. */
  readonly timeSeconds: number;
  readonly flows: readonly ReportedFlow[];
  /** Sums of the flows that the agent cut from the report. */
  readonly remainders: readonly Remainder[];
  /** Counters of the host's network cards. */
  readonly hostStats: readonly InterfaceStats[];
  /** The agent's own event counters. */
  readonly counters: Readonly<Record<string, number>>;
  readonly refused: ReadonlyMap<Refusal, number>;
}

export interface DecodeLimits {
  /** Rows that are older than this on receipt are not stored. */
  readonly retentionSeconds: number;
}

/** The row time is corrected when the agent's clock, by the date of the request, is off by more. */
const SKEW_MILLIS = 5_000;
const MAX_AHEAD_MILLIS = 60_000;

/**
 * Reads the flows of an accepted report. The result depends only on the report and its time of
 * receipt, so reading the report again after a crash gives the same rows.
 *
 * @param bytes the inflated body
 * @throws MalformedError when the outer frames are malformed, which publish has ruled out
 */
export function decodeAccepted(
  accepted: AcceptedReport,
  bytes: Buffer,
  limits: DecodeLimits,
): DecodedReport {
  const wire = decodeReport(bytes);
  const refused = new Map<Refusal, number>();
  const refuse = (reason: Refusal, count: number) => {
    if (count > 0) refused.set(reason, (refused.get(reason) ?? 0) + count);
  };
  refuse('malformed', wire.malformedFlows);
  refuse('too-many', wire.flowsBeyondLimit);
  const timeMillis = rowTimeMillis(wire, accepted);
  const timeRefusal = refuseTime(timeMillis, accepted, limits);
  const isTimely = timeRefusal === undefined;
  if (!isTimely) refuse(timeRefusal, wire.flows.length);
  const flows: ReportedFlow[] = [];
  for (const flow of isTimely ? wire.flows : []) {
    const read: ReportedFlow | FlowRefusal = readFlow(flow);
    if (typeof read === 'string') refuse(read, 1);
    else flows.push(read);
  }
  const readable = <Wire, Read>(all: readonly Wire[], read: (one: Wire) => Read | undefined) =>
    (isTimely ? all : []).map(read);
  const remainders = readable(wire.remainders, readRemainder);
  const hostStats = readable(wire.hostStats, readHostStats);
  refuse('remainder', remainders.filter((one) => one === undefined).length);
  refuse('host-stats', hostStats.filter((one) => one === undefined).length);
  return {
    owner: accepted.owner,
    host: readHost(wire.resource),
    timeSeconds: Math.floor(timeMillis / 1000),
    flows,
    remainders: remainders.filter((one) => one !== undefined),
    hostStats: hostStats.filter((one) => one !== undefined),
    counters: wire.counters,
    refused,
  };
}

/** The report's time, corrected by the offset of the agent's clock at the time of signing. */
function rowTimeMillis(wire: WireReport, accepted: AcceptedReport): number {
  const offMillis = accepted.receivedAtMillis - accepted.signedAtMillis;
  const reportMillis = Number(wire.timeUnixNano / 1_000_000n);
  return Math.abs(offMillis) > SKEW_MILLIS ? reportMillis + offMillis : reportMillis;
}

function refuseTime(
  timeMillis: number,
  accepted: AcceptedReport,
  limits: DecodeLimits,
): Refusal | undefined {
  const ageMillis = accepted.receivedAtMillis - timeMillis;
  if (ageMillis < -MAX_AHEAD_MILLIS) return 'time-ahead';
  return ageMillis > limits.retentionSeconds * 1000 ? 'time-expired' : undefined;
}
