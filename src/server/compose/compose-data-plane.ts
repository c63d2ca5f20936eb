import { Authenticator } from '../../auth/authenticator.ts';
import { BatchLedger } from '../../journal/batch-ledger.ts';
import { Journal } from '../../journal/journal.ts';
import { systemClock } from '../../lib/clock.ts';
import { SECONDS_A_DAY } from '../../lib/durations.ts';
import { Loop } from '../../lib/loop.ts';
import type { Service } from '../../lib/service.ts';
import { decodeAcceptedReport } from '../../model/accepted-report.ts';
import { LIMITS } from '../../model/limits.ts';
import { loadAccepted, saveAccepted } from '../../publish/accepted-file.ts';
import { AcceptedReports } from '../../publish/accepted-reports.ts';
import { Publish, type PublishDeps } from '../../publish/publish.ts';
import type { Topology } from '../../topology/topology.ts';
import { mib } from '../config.ts';
import { countDecoded, countUnreadable } from '../flow/decode-counters.ts';
import { FlowPipeline } from '../flow/flow-pipeline.ts';
import { FlowWorker } from '../flow/flow-worker.ts';
import { InflatedBodies } from '../flow/inflated-bodies.ts';
import type { OpenParts } from '../folder/folder-guard.ts';
import { fingerprintOf } from '../folder/manifest.ts';
import type { Basics } from './basics.ts';
import { composeBodies } from './compose-bodies.ts';
import { composeStore } from './compose-store.ts';
import type { DataPlane } from './server-parts.ts';

export interface DataPlaneParts {
  readonly topology: Topology;
  readonly randomJournalId: () => number;
}

export const MAX_INFLATED_BYTES = mib(64);
const MAX_KEPT_INFLATED_BYTES = mib(128);
const PUBLISH_OPTIONS: PublishDeps['options'] = {
  maxBodyBytes: mib(8),
  maxInflatedBytes: MAX_INFLATED_BYTES,
  maxInflatingBytes: LIMITS.inflatingBytes.total,
};
/** How often the manifest notes the time, which a start compares its clock with. */
const NOTE_MILLIS = 600_000;
/** How many journal records the start reads at a time. */
const REPLAY_LIMITS = { maxRecords: 1000, maxBytes: mib(16) };

/** Composes the parts that bring a report from the request to rows in the store. */
export function composeDataPlane(
  basics: Basics,
  { topology, randomJournalId }: DataPlaneParts,
): DataPlane {
  const { config, folder, keys, log, metrics } = basics;
  const clock = systemClock;
  const { store, disk, hasDiskRoom, hasStoreRoom, services, budget } = composeStore(basics);
  const authenticator = new Authenticator({ keys, clock, service: 'networkflowmonitor' });
  const journal = new Journal({
    options: journalOptions(basics),
    hasRoom: hasDiskRoom,
    log,
    metrics,
  });
  const ledger = new BatchLedger({ path: folder.ledger, randomJournalId });
  const accepted = new AcceptedReports({ clock, metrics });
  const inflated = new InflatedBodies(MAX_KEPT_INFLATED_BYTES);
  const append = (record: Uint8Array) => journal.append(record);
  const bodies = composeBodies(metrics);
  const { readReport: readBody } = bodies;
  const received = { authenticator, readBody, append, inflated, accepted, clock, metrics };
  const publish = new Publish({ ...received, options: PUBLISH_OPTIONS });
  const pipeline = new FlowPipeline({
    ...{ journal, ledger, topology, store, disk, inflated },
    retentionSeconds: config.retentionDays * SECONDS_A_DAY,
    maxInflatedBytes: MAX_INFLATED_BYTES,
    onDecoded: countDecoded(metrics),
    onUnreadable: countUnreadable(metrics, log),
  });
  const saveMemory = () => saveAccepted(folder.accepted, accepted, basics.guard.mark);
  const marks = folderMarks(basics, {
    ledger,
    journal,
    store,
    saveAccepted: saveMemory,
    hasDiskRoom,
  });
  const worker = new FlowWorker({
    ...{ pipeline, journal, ledger, beforeDelete: saveMemory, clock, log, metrics },
    random: Math.random,
  });
  const memory = acceptedMemory({ path: folder.accepted, accepted, journal });
  return {
    ...{ authenticator, bodies, publish, journal, store, hasStoreRoom },
    isCaughtUp: () => worker.isCaughtUp,
    services: [journal, ledger, memory, ...services, marks, budget, worker],
  };
}

/** Checks the store, and marks all parts of the data folder once they are open. */
function folderMarks(
  { guard, database, masterKey, ageClock, log }: Basics,
  parts: Omit<OpenParts, 'database' | 'masterKey' | 'knownMillis'> & {
    readonly hasDiskRoom: () => boolean;
  },
): Service {
  const knownMillis = () => ageClock.knownMillis;
  const all = { ...parts, database, knownMillis, masterKey: fingerprintOf(masterKey) };
  let isMarked = false;
  const loop = new Loop({
    round: () => (isMarked ? guard.note(all) : Promise.resolve()),
    everyMillis: NOTE_MILLIS,
    onError: (error) => log.warn('cannot write the manifest', { error }),
  });
  return {
    name: 'marks of the data folder',
    async start() {
      await guard.checkStore(parts.store);
      if (ageClock.knownMillis === undefined) ageClock.start(await parts.store.newestRowMillis());
      isMarked = parts.hasDiskRoom();
      if (isMarked) await guard.markParts(all);
      else log.warn('the disk is nearly full; the data folder keeps the marks of the last start');
      loop.start();
    },
    async stop() {
      await loop.stop();
      if (!isMarked) return;
      await guard.note(all).catch((error) => log.warn('cannot write the manifest', { error }));
    },
  };
}

export function journalOptions({ config, folder }: Pick<Basics, 'config' | 'folder'>) {
  return {
    folder: folder.journal,
    segmentBytes: mib(config.journalSegmentMib),
    maxBytes: mib(config.journalMaxMib),
  };
}

/**
 * Restores the accepted reports at the start: from the file of deleted segments and the segments
 * left.
 */
export function acceptedMemory(parts: {
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
