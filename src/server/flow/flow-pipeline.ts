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

export interface FlowPipelineStages {
  readonly journal: Journal;
  readonly ledger: BatchLedger;
  readonly topology: Topology;
  readonly store: FlowStore;
  readonly disk: StoreDisk;
  readonly retentionSeconds: number;
  readonly maxInflatedBytes: number;
  readonly inflated: InflatedBodies;
  /** Called with each report once its batch is in the ledger. */
  readonly onDecoded: (report: DecodedReport) => void;
  /** Called when an accepted report cannot be decoded. The report is dropped. */
  readonly onUnreadable: (error: unknown) => void;
}

/** The disk of the store. ClickHouse may lose what it writes to a full one. */
export interface StoreDisk {
  /** Waits for free space. @throws the signal's reason when the signal is aborted before */
  untilRoom(signal: AbortSignal): Promise<void>;
  /** Checks now whether the disk has free space. */
  look(): Promise<boolean>;
}

/** Several batches fit in memory, and one is large enough to be worth the fsyncs of an insert. */
export const BATCH_LIMITS = { maxRecords: 96, maxBytes: 8 * 1024 * 1024 };

/**
 * The stages of a flow after the journal: journal → decode → topology and enrich → store. A batch is a
 * range of the journal. The ledger notes it before it is stored and finishes it afterwards, so that
 * after a crash the same range is stored again under the same number.
 */
export class FlowPipeline {
  readonly #stages: FlowPipelineStages;

  constructor(stages: FlowPipelineStages) {
    this.#stages = stages;
  }

  /** Stores a batch that a crash interrupted, as far as it is not stored already. */
  async finishInterrupted(batch: Batch, signal: AbortSignal): Promise<void> {
    const { journal, ledger } = this.#stages;
    const position = await journal.seek(batch.segment, batch.first);
    const maxRecords = batch.last - batch.first + 1;
    const range = await journal.read(position, { maxRecords, maxBytes: Number.MAX_SAFE_INTEGER });
    // The segment is deleted, so the batch was stored; a power cut lost the entry that finishes it.
    if (range.segment !== batch.segment || range.first !== batch.first) {
      return await ledger.finish(batch);
    }
    const { rows, hostStats } = await this.#read(range);
    await this.storeAgain({ batch, rows, hostStats }, signal);
    await ledger.finish(batch);
  }

  /** Prepares the next batch; undefined when no report has been accepted since. */
  async prepare(position: JournalPosition): Promise<PreparedBatch | undefined> {
    const { journal, ledger, onDecoded } = this.#stages;
    const range = await journal.read(position, BATCH_LIMITS);
    if (range.payloads.length === 0) return undefined;
    const { reports, rows, hostStats } = await this.#read(range);
    const batch = await ledger.note(range);
    for (const report of reports) onDecoded(report);
    return { batch, rows, hostStats, next: range.next };
  }

  async store(prepared: Storable, signal: AbortSignal): Promise<void> {
    await this.#whileRoom(signal, (store) => store.insert(...this.#rowsOf(prepared)));
  }

  /** Like `store`, for a batch that an earlier attempt may have stored in part. */
  async storeAgain(prepared: Storable, signal: AbortSignal): Promise<void> {
    await this.#whileRoom(signal, (store) => store.insertMissing(...this.#rowsOf(prepared)));
  }

  #rowsOf({ batch, rows, hostStats }: Storable): Parameters<FlowStore['insert']> {
    return [rows, this.#stages.ledger.storeNumber(batch), hostStats];
  }

  /** Inserts, and fails unless the disk had free space before and after. */
  async #whileRoom(
    signal: AbortSignal,
    insert: (store: FlowStore) => Promise<void>,
  ): Promise<void> {
    const { store, disk } = this.#stages;
    await disk.untilRoom(signal);
    await insert(store);
    if (!(await disk.look())) throw new Error('the disk became full while a batch was stored');
  }

  async #read(range: JournalRange): Promise<ReadRange> {
    const { topology } = this.#stages;
    const reports: DecodedReport[] = [];
    for (const payload of range.payloads) {
      const report = await this.#decode(payload);
      if (report !== undefined) reports.push(report);
      // Lets requests be answered between two reports.
      await immediate();
    }
    // All hosts of the batch are observed before the first flow is enriched.
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

  /** Returns undefined for a report that cannot be decoded, since retrying would block all later ones. */
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

/** A noted batch and its rows. */
interface Storable {
  readonly batch: Batch;
  readonly rows: readonly EnrichedFlow[];
  readonly hostStats: readonly HostStatsRow[];
}

export interface PreparedBatch extends Storable {
  readonly next: JournalPosition;
}
