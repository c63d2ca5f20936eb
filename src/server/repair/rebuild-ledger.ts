import {
  type BatchLedger,
  type LedgerContent,
  MAX_BATCH_NUMBER,
  splitStoreNumber,
  storeNumber,
} from '../../journal/batch-ledger.ts';
import { findStoredRecords, type StoredRecordsDeps } from './find-stored-records.ts';

/**
 * The store remembers the numbers of its last 1,000 blocks and drops a block with a remembered
 * number. The new ledger skips this many numbers, because the store may remember numbers that no
 * other part shows.
 */
const SKIPPED_NUMBERS = 10_000;

/**
 * Makes the ledger anew: looks up the records of the journal in the store. Batches are stored in
 * the order of the journal, so everything before the last stored record is stored. The batch of
 * that record may be stored in part, so it becomes the ledger's only unfinished one, which the next
 * start finishes.
 *
 * @param usedNumber the highest batch number that other parts know of
 */
export async function rebuildLedger(
  ledger: BatchLedger,
  deps: StoredRecordsDeps & { readonly usedNumber: number },
): Promise<void> {
  const { journalId, store, usedNumber } = deps;
  const highest = await store.highestBatch(
    storeNumber(journalId, 0),
    storeNumber(journalId, MAX_BATCH_NUMBER),
  );
  const highestNumber = highest === undefined ? 0 : splitStoreNumber(highest).number;
  await ledger.replace({
    journalId,
    nextNumber: Math.max(highestNumber, usedNumber) + 1 + SKIPPED_NUMBERS,
    ...(await lastStored(deps)),
  });
}

async function lastStored(
  deps: StoredRecordsDeps,
): Promise<Pick<LedgerContent, 'resume' | 'unfinished'>> {
  for (const segment of [...deps.journal.segments()].reverse()) {
    const stored = await findStoredRecords(deps, segment);
    const last = stored.at(-1);
    if (last === undefined) continue;
    const first = stored.find(({ batch }) => batch === last.batch) ?? last;
    const { number } = splitStoreNumber(last.batch);
    return {
      resume: { segment, index: last.index + 1 },
      unfinished: [{ number, segment, first: first.index, last: last.index }],
    };
  }
  return { resume: { segment: 0, index: 0 }, unfinished: [] };
}
