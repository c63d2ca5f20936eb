import { setImmediate as immediate } from 'node:timers/promises';
import { type DecodedReport, decodeAccepted } from '../../decode/decode-accepted.ts';
import { enrich } from '../../enrich/enrich.ts';
import { hostStatsRows } from '../../enrich/host-stats-rows.ts';
import type { Batch, BatchLedger } from '../../journal/batch-ledger.ts';
import type { Journal, JournalPosition, JournalRange } from '../../journal/journal.ts';
import { type AcceptedReport, decodeAcceptedReport } from '../../model/accepted-report.ts';
import type { EnrichedFlow } from '../../model/enriched-flow.ts';
import type { HostStatsRow } from '../../model/host-stats.ts';
import { inflate } from '../../publish/inflate.ts';
import type { FlowStore } from '../../store/flow-store.ts';
import type { Topology } from '../../topology/topology.ts';
import type { InflatedBodies } from './inflated-bodies.ts';

export interface FlowPathStages {
  readonly journal: Journal;
  readonly ledger: BatchLedger;
  readonly topology: Topology;
  readonly store: FlowStore;
  readonly disk: StoreDisk;
  readonly retentionSeconds: number;
  readonly maxInflatedBytes: number;
  readonly inflated: InflatedBodies;
  /** Told of each report once its batch is written down. */
  readonly onDecoded: (report: DecodedReport) => void;
  /** Told of a report that publish accepted and that cannot be read: it is left out. */
  readonly onUnreadable: (error: unknown) => void;
}

/** The disk under the store: what ClickHouse writes on a full one is not to be relied on. */
export interface StoreDisk {
  /** Waits for room. @throws the signal's reason when it is aborted before */
  untilRoom(signal: AbortSignal): Promise<void>;
  /** Whether there is room at this moment. */
  look(): Promise<boolean>;
}

/** Small enough to be in memory a few times over, large enough that an insert is worth its fsyncs. */
export const BATCH_LIMITS = { maxRecords: 96, maxBytes: 8 * 1024 * 1024 };

/**
 * The path of a flow behind the journal, in one place: journal → decode → topology and enrich →
 * store. A batch is a range of the journal, written down before it is stored and finished after,
 * so that whatever happens in between, the same range is stored again under the same number.
 */
export class FlowPipeline {
  readonly #stages: FlowPathStages;

  constructor(stages: FlowPathStages) {
    this.#stages = stages;
  }

  /** The batches a crash interrupted: each may be stored already. */
  async finishInterrupted(batch: Batch, signal: AbortSignal): Promise<void> {
    const { journal, ledger } = this.#stages;
    const cursor = await journal.seek(batch.segment, batch.first);
    const maxRecords = batch.last - batch.first + 1;
    const range = await journal.read(cursor, { maxRecords, maxBytes: Number.MAX_SAFE_INTEGER });
    // Its segment is gone: they are deleted once stored, and a power cut may forget the rest.
    if (range.segment !== batch.segment || range.first !== batch.first) {
      return await ledger.finish(batch);
    }
    const { rows, hostStats } = await this.#read(range);
    await this.storeAgain({ batch, rows, hostStats }, signal);
    await ledger.finish(batch);
  }

  /** The next batch there is, ready to be stored; undefined when nothing new was accepted. */
  async prepare(cursor: JournalPosition): Promise<PreparedBatch | undefined> {
    const { journal, ledger, onDecoded } = this.#stages;
    const range = await journal.read(cursor, BATCH_LIMITS);
    if (range.payloads.length === 0) return undefined;
    const { reports, rows, hostStats } = await this.#read(range);
    const batch = await ledger.note(range);
    for (const report of reports) onDecoded(report);
    return { batch, rows, hostStats, next: range.next };
  }

  async store(prepared: Storable, signal: AbortSignal): Promise<void> {
    await this.#whileRoom(signal, (store) => store.insert(...this.#rowsOf(prepared)));
  }

  /** As `store`, when it was tried before and may have been done in part. */
  async storeAgain(prepared: Storable, signal: AbortSignal): Promise<void> {
    await this.#whileRoom(signal, (store) => store.insertMissing(...this.#rowsOf(prepared)));
  }

  #rowsOf({ batch, rows, hostStats }: Storable): Parameters<FlowStore['insert']> {
    return [rows, this.#stages.ledger.storeNumber(batch), hostStats];
  }

  /** Stored is what was inserted while the disk had room, from before it until after. */
  async #whileRoom(
    signal: AbortSignal,
    insert: (store: FlowStore) => Promise<void>,
  ): Promise<void> {
    const { store, disk } = this.#stages;
    await disk.untilRoom(signal);
    await insert(store);
    if (!(await disk.look())) throw new Error('the disk got full while a batch was stored');
  }

  async #read(range: JournalRange): Promise<ReadRange> {
    const { topology } = this.#stages;
    const reports: DecodedReport[] = [];
    for (const payload of range.payloads) {
      const report = await this.#decode(payload);
      if (report !== undefined) reports.push(report);
      // Requests are answered between one report and the next.
      await immediate();
    }
    // Every host of the batch is known before the first flow is named.
    const observed = reports.map((report) => ({
      ...report,
      host: topology.observe(report.owner, report.host, report.timeSeconds),
    }));
    const snapshot = topology.snapshot();
    return {
      reports,
      rows: observed.flatMap((report) => enrich(report, snapshot)),
      hostStats: observed.flatMap(hostStatsRows),
    };
  }

  /** Undefined when it cannot be read, now or ever: all behind it would wait for it for good. */
  async #decode(payload: Buffer): Promise<DecodedReport | undefined> {
    const { retentionSeconds, onUnreadable } = this.#stages;
    try {
      const accepted = decodeAcceptedReport(payload);
      const bytes = await this.#inflate(accepted);
      return decodeAccepted(accepted, bytes, { retentionSeconds });
    } catch (error) {
      onUnreadable(error);
      return undefined;
    }
  }

  async #inflate({ signature, encoding, body }: AcceptedReport): Promise<Buffer> {
    const { inflated, maxInflatedBytes } = this.#stages;
    const kept = inflated.take(signature);
    if (kept !== undefined) return kept;
    return encoding === 'gzip' ? await inflate(body, maxInflatedBytes) : Buffer.from(body);
  }
}

interface ReadRange {
  readonly reports: readonly DecodedReport[];
  readonly rows: readonly EnrichedFlow[];
  readonly hostStats: readonly HostStatsRow[];
}

/** A batch that is written down, and its rows. */
interface Storable {
  readonly batch: Batch;
  readonly rows: readonly EnrichedFlow[];
  readonly hostStats: readonly HostStatsRow[];
}

export interface PreparedBatch extends Storable {
  readonly next: JournalPosition;
}
