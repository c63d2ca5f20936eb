import { setImmediate as immediate } from 'node:timers/promises';
import { type DecodedReport, decodeAccepted } from '../../decode/decode-accepted.ts';
import { enrich } from '../../enrich/enrich.ts';
import { hostStatsRows } from '../../enrich/host-stats-rows.ts';
import type { Batch, BatchLedger } from '../../journal/batch-ledger.ts';
import type { Journal, JournalPosition } from '../../journal/journal.ts';
import { type AcceptedReport, decodeAcceptedReport } from '../../model/accepted-report.ts';
import { inflate } from '../../publish/inflate.ts';
import type { BatchRows, BatchSlices } from '../../store/batch-inserter.ts';
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

/**
 * A batch ends before it exceeds one of these limits. Several batches fit in memory, and one is
 * large enough to be worth the fsyncs of an insert. A single report may exceed them.
 */
export const BATCH_LIMITS = {
  maxRecords: 96,
  maxBytes: 8 * 1024 * 1024,
  // 96 reports of the bench inflate to 75 MiB; a lower limit would decode the last of them twice.
  maxInflatedBytes: 96 * 1024 * 1024,
  maxFlows: 50_000,
};

/**
 * The stages of a flow after the journal: journal → decode → topology and enrich → store. A batch
 * is a range of the journal. The ledger notes it before it is stored and finishes it afterwards, so
 * that after a crash the same range is stored again under the same number.
 */
export class FlowPipeline {
  readonly #stages: FlowPipelineStages;

  constructor(stages: FlowPipelineStages) {
    this.#stages = stages;
  }

  /** Finishes a batch that a crash interrupted; all, some or none of its rows may be stored. */
  async finishInterrupted(batch: Batch, signal: AbortSignal): Promise<void> {
    const { journal, ledger } = this.#stages;
    // The segment is deleted, so the batch was stored; a power cut lost the entry that finishes it.
    await this.#storeAgain(batch, this.#slices(journal.records(batch)), signal);
    await ledger.finish(batch);
  }

  /** Prepares the next batch; undefined when no report has been accepted since. */
  async prepare(position: JournalPosition): Promise<PreparedBatch | undefined> {
    const { journal, ledger, onDecoded } = this.#stages;
    const range = await journal.read(position, BATCH_LIMITS);
    if (range.payloads.length === 0) return undefined;
    const decoding = this.#groups(range.payloads);
    const group = (await decoding.next()).value;
    if (group === undefined) throw new Error('a range has a record');
    const taken = range.head(group.records);
    const slices = this.#enrich(group.reports);
    const batch = await ledger.note(taken);
    for (const report of group.reports) onDecoded(report);
    return { batch, slices, next: taken.next };
  }

  async store({ batch, slices }: PreparedBatch, signal: AbortSignal): Promise<void> {
    const number = this.#stages.ledger.storeNumber(batch);
    await this.#whileRoom(signal, (store) => store.insert(slices, number));
  }

  /** Like `store`, for a batch that an earlier attempt may have stored in part. */
  storeAgain({ batch, slices }: PreparedBatch, signal: AbortSignal): Promise<void> {
    return this.#storeAgain(batch, slices, signal);
  }

  async #storeAgain(batch: Batch, slices: BatchSlices, signal: AbortSignal): Promise<void> {
    const number = this.#stages.ledger.storeNumber(batch);
    await this.#whileRoom(signal, (store) => store.insertMissing(slices, number));
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

  /** Yields the slices of records. Each is decoded and enriched when it is needed. */
  async *#slices(records: Iterable<Buffer> | AsyncIterable<Buffer>): AsyncGenerator<BatchRows> {
    for await (const { reports } of this.#groups(records)) yield* this.#enrich(reports);
  }

  /**
   * Decodes records in groups that stay within BATCH_LIMITS. A batch noted by an earlier version
   * may have several groups.
   */
  async *#groups(
    records: Iterable<Buffer> | AsyncIterable<Buffer>,
  ): AsyncGenerator<DecodedGroup, undefined> {
    let group = emptyGroup();
    for await (const record of records) {
      const decoded = await this.#decode(record);
      if (group.records > 0 && exceeds(group, decoded)) {
        yield group;
        group = emptyGroup();
      }
      group.records += 1;
      group.flows += decoded.report?.flows.length ?? 0;
      group.inflatedBytes += decoded.inflatedBytes;
      if (decoded.report !== undefined) group.reports.push(decoded.report);
      // Lets requests be answered between two reports.
      await immediate();
    }
    if (group.records > 0) yield group;
    return undefined;
  }

  /** Enriches reports into slices of at most `BATCH_LIMITS.maxFlows` rows. */
  #enrich(reports: readonly DecodedReport[]): readonly BatchRows[] {
    const { topology } = this.#stages;
    // All hosts of the batch are observed before the first flow is enriched.
    const observed = reports.map((report) => ({
      ...report,
      host: topology.observe(report.owner, report.host, report.timeSeconds),
    }));
    const snapshot = topology.snapshot();
    const flows = observed.flatMap((report) => enrich(report, snapshot));
    const hostStats = observed.flatMap(hostStatsRows);
    const slices: BatchRows[] = [];
    for (let from = 0; from < flows.length; from += BATCH_LIMITS.maxFlows) {
      slices.push({ flows: flows.slice(from, from + BATCH_LIMITS.maxFlows), hostStats: [] });
    }
    const [first = { flows: [] }, ...rest] = slices;
    return [{ ...first, hostStats }, ...rest];
  }

  /**
   * Returns no report for a record that cannot be decoded, since retrying would block all later
   * ones.
   */
  async #decode(record: Buffer): Promise<DecodedRecord> {
    const { retentionSeconds, onUnreadable } = this.#stages;
    try {
      const accepted = decodeAcceptedReport(record);
      const bytes = await this.#inflate(accepted);
      const report = decodeAccepted(accepted, bytes, { retentionSeconds });
      return { report, inflatedBytes: bytes.length };
    } catch (error) {
      onUnreadable(error);
      return { report: undefined, inflatedBytes: 0 };
    }
  }

  async #inflate({ signature, encoding, body }: AcceptedReport): Promise<Buffer> {
    const { inflated, maxInflatedBytes } = this.#stages;
    const kept = inflated.take(signature);
    if (kept !== undefined) return kept;
    return encoding === 'gzip' ? await inflate(body, maxInflatedBytes) : Buffer.from(body);
  }
}

interface DecodedRecord {
  readonly report: DecodedReport | undefined;
  readonly inflatedBytes: number;
}

/** Decoded consecutive records of a batch. */
interface DecodedGroup {
  /** Number of records, including unreadable ones. */
  records: number;
  flows: number;
  inflatedBytes: number;
  readonly reports: DecodedReport[];
}

function emptyGroup(): DecodedGroup {
  return { records: 0, flows: 0, inflatedBytes: 0, reports: [] };
}

function exceeds(group: DecodedGroup, { report, inflatedBytes }: DecodedRecord): boolean {
  return (
    group.flows + (report?.flows.length ?? 0) > BATCH_LIMITS.maxFlows ||
    group.inflatedBytes + inflatedBytes > BATCH_LIMITS.maxInflatedBytes
  );
}

/** A noted batch and its rows. */
export interface PreparedBatch {
  readonly batch: Batch;
  readonly slices: readonly BatchRows[];
  /** The position of the next batch. */
  readonly next: JournalPosition;
}
