import { Authenticator } from '../../auth/authenticator.ts';
import type { DecodedReport } from '../../decode/decode-accepted.ts';
import { BatchLedger } from '../../journal/batch-ledger.ts';
import { Journal } from '../../journal/journal.ts';
import { systemClock } from '../../lib/clock.ts';
import { SECONDS_A_DAY } from '../../lib/durations.ts';
import type { Metrics } from '../../lib/metrics.ts';
import type { Service } from '../../lib/service.ts';
import { decodeAcceptedReport } from '../../model/accepted-report.ts';
import { loadAccepted, saveAccepted } from '../../publish/accepted-file.ts';
import { AcceptedReports } from '../../publish/accepted-reports.ts';
import { Publish } from '../../publish/publish.ts';
import { DiskBudget } from '../../store/disk-budget.ts';
import { FlowStore } from '../../store/flow-store.ts';
import type { Topology } from '../../topology/topology.ts';
import { gib, mib, type ServerConfig } from '../config.ts';
import { DiskGuard } from '../flow/disk-guard.ts';
import { FlowPipeline } from '../flow/flow-pipeline.ts';
import { FlowWorker } from '../flow/flow-worker.ts';
import { InflatedBodies } from '../flow/inflated-bodies.ts';
import type { Basics } from './basics.ts';
import type { DataPlane } from './server-parts.ts';

export interface DataPlaneParts {
  readonly topology: Topology;
  readonly randomJournalId: () => number;
}

const MAX_BODY_BYTES = mib(8);
const MAX_INFLATED_BYTES = mib(64);
const MAX_KEPT_INFLATED_BYTES = mib(128);
/** How many journal records the start reads at a time. */
const REPLAY_LIMITS = { maxRecords: 1000, maxBytes: mib(16) };

/** Composes the parts that bring a report from the request to rows in the store. */
export function composeDataPlane(
  basics: Basics,
  { topology, randomJournalId }: DataPlaneParts,
): DataPlane {
  const { config, folder, keys, log, metrics } = basics;
  const clock = systemClock;
  const retentionSeconds = config.retentionDays * SECONDS_A_DAY;
  const authenticator = new Authenticator({ keys, clock, service: 'networkflowmonitor' });
  const isEmbedded = config.clickhouseUrl === '';
  const guard = new DiskGuard({
    folder: config.data,
    onChange: (isLow) => (isEmbedded ? store.settle(isLow) : Promise.resolve()),
    log,
    metrics,
  });
  const hasRoom = () => !guard.isLow;
  const journal = new Journal({ options: journalOptions(basics), hasRoom, log, metrics });
  const ledger = new BatchLedger({ path: folder.ledger, randomJournalId });
  const accepted = new AcceptedReports({ clock, metrics });
  const inflated = new InflatedBodies(MAX_KEPT_INFLATED_BYTES);
  const publish = new Publish({
    authenticator,
    append: (record) => journal.append(record),
    inflated,
    accepted,
    clock,
    metrics,
    options: {
      maxBodyBytes: MAX_BODY_BYTES,
      maxInflatedBytes: MAX_INFLATED_BYTES,
      maxUnverifiedBytes: mib(64),
      maxInflatingBytes: mib(256),
    },
  });
  const store = new FlowStore({ options: storeOptions(basics), log, metrics });
  const maxBytes = gib(config.storeMaxGib);
  const { retentionDays } = config;
  const budget = new DiskBudget({ store, maxBytes, retentionDays, clock, log, metrics });
  const onDecoded = countRefusals(metrics);
  const onUnreadable = countUnreadable(basics);
  const pipeline = new FlowPipeline({
    journal,
    ledger,
    topology,
    store,
    // A cluster watches its own disks, and inserting into it frees the disk of this server.
    disk: isEmbedded
      ? guard
      : { untilRoom: () => Promise.resolve(), look: () => Promise.resolve(true) },
    retentionSeconds,
    maxInflatedBytes: MAX_INFLATED_BYTES,
    inflated,
    onDecoded,
    onUnreadable,
  });
  const beforeDelete = () => saveAccepted(folder.accepted, accepted);
  const worker = new FlowWorker({
    pipeline,
    journal,
    ledger,
    beforeDelete,
    clock,
    random: Math.random,
    log,
    metrics,
  });
  const memory = acceptedMemory({ path: folder.accepted, accepted, journal });
  const services = [journal, ledger, memory, store, guard, budget, worker];
  const isCaughtUp = () => worker.isCaughtUp;
  const hasStoreRoom = () => !isEmbedded || hasRoom();
  return { authenticator, publish, journal, store, isCaughtUp, hasStoreRoom, services };
}

function journalOptions({ config, folder }: Basics) {
  return {
    folder: folder.journal,
    segmentBytes: mib(config.journalSegmentMib),
    maxBytes: mib(config.journalMaxMib),
  };
}

function storeOptions({ config, folder }: Basics) {
  return {
    location: storeLocation(config, folder.store),
    retentionDays: config.retentionDays,
    queryConnections: config.queryConcurrency + 1,
    maxSeconds: config.queryMaxSeconds,
    maxMemoryBytes: mib(config.queryMaxMemoryMib),
  };
}

function storeLocation(config: ServerConfig, path: string) {
  if (config.clickhouseUrl === '') return { path };
  return {
    url: config.clickhouseUrl,
    username: config.clickhouseUser,
    password: config.clickhousePassword,
    database: config.clickhouseDatabase,
  };
}

/** Restores the accepted reports at the start: from the file of deleted segments and the segments left. */
function acceptedMemory(parts: {
  readonly path: string;
  readonly accepted: AcceptedReports;
  readonly journal: Journal;
}): Service {
  const { path, accepted, journal } = parts;
  return {
    name: 'memory of accepted reports',
    async start() {
      await loadAccepted(path, accepted);
      let range = await journal.read(journal.positionAt(0), REPLAY_LIMITS);
      while (range.payloads.length > 0) {
        for (const payload of range.payloads) accepted.remember(decodeAcceptedReport(payload));
        range = await journal.read(range.next, REPLAY_LIMITS);
      }
    },
    stop: () => Promise.resolve(),
  };
}

function countUnreadable({ metrics, log }: Basics): (error: unknown) => void {
  const unreadable = metrics.counter({
    name: 'nfm_decode_unreadable_reports_total',
    help: 'Accepted reports that the server could not decode and dropped; each is a defect of the server',
  });
  return (error) => {
    unreadable.add(1);
    log.error('cannot read an accepted report', { error });
  };
}

function countRefusals(metrics: Metrics): (report: DecodedReport) => void {
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
