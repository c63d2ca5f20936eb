import { decodeAccepted } from '../../decode/decode-accepted.ts';
import { MAX_BATCH_NUMBER, storeNumber } from '../../journal/batch-ledger.ts';
import type { Journal, JournalRange } from '../../journal/journal.ts';
import { decodeAcceptedReport } from '../../model/accepted-report.ts';
import { VALUE_NAMES } from '../../model/flow-metrics.ts';
import { inflate } from '../../publish/inflate.ts';
import type { FlowStore } from '../../store/flow-store.ts';
import { name, param, sql } from '../../store/sql.ts';
import { FLOWS } from '../../store/tables/flows.ts';

export interface StoredRecord {
  readonly index: number;
  /** The batch's number in the store. */
  readonly batch: bigint;
}

export interface StoredRecordsDeps {
  readonly journal: Journal;
  readonly store: FlowStore;
  readonly journalId: number;
  readonly retentionSeconds: number;
  readonly maxInflatedBytes: number;
}

const LOOKUP_LIMITS = { maxRecords: 96, maxBytes: 8 * 1024 * 1024 };

/** Flows of a report that are looked up; the rows of a report and day are stored together. */
const SAMPLES = 4;

/** Values that, together with addresses and time, differ between any two reports of a host. */
const COMPARED = ['bytes_received', 'bytes_delivered', 'segments_received'] as const;

/** Finds the records of a segment that have rows in the store, in their order. */
export async function findStoredRecords(
  deps: StoredRecordsDeps,
  segment: number,
): Promise<readonly StoredRecord[]> {
  const { journal } = deps;
  const stored: StoredRecord[] = [];
  let range = await journal.read({ segment, index: 0, offset: 0 }, LOOKUP_LIMITS);
  while (range.segment === segment && range.payloads.length > 0) {
    stored.push(...(await storedIn(deps, range)));
    range = await journal.read(range.next, LOOKUP_LIMITS);
  }
  return stored;
}

async function storedIn(deps: StoredRecordsDeps, range: JournalRange): Promise<StoredRecord[]> {
  const times: number[] = [];
  const keys: (readonly string[])[] = [];
  for (const payload of range.payloads) {
    const { timeSeconds, flows } = await sampleOf(deps, payload);
    if (flows.length > 0) times.push(timeSeconds);
    keys.push(flows);
  }
  if (times.length === 0) return [];
  const batches = await batchesOf(deps, { times, keys: keys.flat() });
  const stored: StoredRecord[] = [];
  for (const [i, flows] of keys.entries()) {
    const batch = flows.map((flow) => batches.get(flow)).find((found) => found !== undefined);
    if (batch !== undefined) stored.push({ index: range.first + i, batch });
  }
  return stored;
}

/**
 * Returns the time of a report's rows, and some of its flows in the text form in which `batchesOf`
 * returns stored rows.
 */
async function sampleOf(
  { retentionSeconds, maxInflatedBytes }: StoredRecordsDeps,
  payload: Buffer,
): Promise<{ readonly timeSeconds: number; readonly flows: readonly string[] }> {
  try {
    const accepted = decodeAcceptedReport(payload);
    const { encoding, body } = accepted;
    const bytes = encoding === 'gzip' ? await inflate(body, maxInflatedBytes) : Buffer.from(body);
    const { owner, timeSeconds, flows } = decodeAccepted(accepted, bytes, { retentionSeconds });
    const printed = flows.slice(0, SAMPLES).map((flow) => {
      const values = COMPARED.map((value) => flow.values[VALUE_NAMES.indexOf(value)]);
      const ends = [flow.side, flow.localAddress, flow.remoteAddress, flow.servicePort];
      return [timeSeconds, owner.account, owner.region, ...ends, ...values].join(' ');
    });
    return { timeSeconds, flows: printed };
  } catch {
    // The server drops an unreadable report, so it has no rows.
    return { timeSeconds: 0, flows: [] };
  }
}

async function batchesOf(
  { store, journalId }: StoredRecordsDeps,
  { times, keys }: { readonly times: readonly number[]; readonly keys: readonly string[] },
): Promise<ReadonlyMap<string, bigint>> {
  const seconds = param('Array(UInt32)', [...new Set(times)]);
  const [from, to] = [storeNumber(journalId, 0), storeNumber(journalId, MAX_BATCH_NUMBER)];
  const rows = await store.query<{ key: string; highest: string }>(
    sql`SELECT concat(toString(toUInt32(time)), ' ', account, ' ', region, ' ', toString(side), ' ', replaceOne(toString(local_ip), '::ffff:', ''), ' ', replaceOne(toString(remote_ip), '::ffff:', ''), ' ', toString(service_port), ' ', toString(bytes_received), ' ', toString(bytes_delivered), ' ', toString(segments_received)) AS key, max(batch) AS highest FROM ${name(FLOWS.name)} WHERE toUInt32(time) IN ${seconds} AND time BETWEEN toDateTime(${param('UInt32', Math.min(...times))}) AND toDateTime(${param('UInt32', Math.max(...times))}) AND batch BETWEEN ${param('UInt64', String(from))} AND ${param('UInt64', String(to))} AND key IN ${param('Array(String)', keys)} GROUP BY key`,
  );
  return new Map(rows.map(({ key, highest }) => [key, BigInt(highest)]));
}
