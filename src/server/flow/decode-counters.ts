import type { DecodedReport } from '../../decode/decode-accepted.ts';
import type { Log } from '../../lib/log.ts';
import type { Metrics } from '../../lib/metrics.ts';

/** Returns a function that counts and logs a report that cannot be decoded. */
export function countUnreadable(metrics: Metrics, log: Log): (error: unknown) => void {
  const unreadable = metrics.counter({
    name: 'nfm_decode_unreadable_reports_total',
    help: 'Accepted reports that the server could not decode and dropped; each is a defect of the server',
  });
  return (error) => {
    unreadable.add(1);
    log.error('cannot read an accepted report', { error });
  };
}

/** Returns a function that counts the flows of a decoded report. */
export function countDecoded(metrics: Metrics): (report: DecodedReport) => void {
  const decoded = metrics.counter({
    name: 'nfm_decode_flows_total',
    help: 'Decoded flows of accepted reports',
  });
  const refused = metrics.counter({
    name: 'nfm_decode_refused_flows_total',
    help: 'Flows of accepted reports that were rejected and not stored, by reason',
    labels: ['reason'],
  });
  const unseen = metrics.counter({
    name: 'nfm_agent_unseen_total',
    help: 'Flows, bytes, sockets, events and reports that agents count as missing from their reports, by kind',
    labels: ['what'],
  });
  return (report) => {
    decoded.add(report.flows.length);
    for (const [reason, count] of report.refused) refused.add(count, { reason });
    for (const [what, names] of Object.entries(UNSEEN)) {
      unseen.add(sumOf(report.counters, names), { what });
    }
  };
}

/** The agents' own counters of what their reports lack, by kind. */
const UNSEEN: Readonly<Record<string, readonly string[]>> = {
  flows_cut: ['flows_cut'],
  bytes_cut: ['bytes_cut'],
  sockets_missed: ['map_insertion_errors', 'socket_agg_above_limit'],
  events_lost: ['sockets_stale', 'events_lost'],
  reports_failed: ['publish_report_failed'],
};

/** Sums the counters that are valid counts; agents may send anything. */
function sumOf(counters: Readonly<Record<string, number>>, names: readonly string[]): number {
  return names.reduce((sum, name) => {
    const count = counters[name] ?? 0;
    return count > 0 && Number.isSafeInteger(count) ? sum + count : sum;
  }, 0);
}
