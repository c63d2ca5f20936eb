import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { leakedSince, resourcesInUse } from '../lib/testing.ts';
import { type Batch, BatchLedger } from './batch-ledger.ts';

let folder: string;
let path: string;
const open: BatchLedger[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nfm-ledger-'));
  path = join(folder, 'batches.log');
});
afterEach(async () => {
  for (const ledger of open.splice(0)) await ledger.stop();
  rmSync(folder, { recursive: true });
});

const COMPACT_BYTES = 4096;

async function started(journalId = 5): Promise<BatchLedger> {
  const randomJournalId = () => journalId;
  const ledger = new BatchLedger({ path, randomJournalId, compactBytes: COMPACT_BYTES });
  await ledger.start();
  open.push(ledger);
  return ledger;
}

/** Starts a ledger on a copy of the file, as after a crash at this moment. */
async function afterCrash(): Promise<BatchLedger> {
  const copy = join(folder, 'copy.log');
  copyFileSync(path, copy);
  const ledger = new BatchLedger({ path: copy, randomJournalId: () => 9 });
  await ledger.start();
  open.push(ledger);
  return ledger;
}

const range = (segment: number, first: number, last: number) => ({ segment, first, last });

test('after a crash the same ranges have the same numbers, and numbers go on', async () => {
  const before = await started();
  const batches = [
    await before.note(range(1, 0, 9)),
    await before.note(range(1, 10, 19)),
    await before.note(range(2, 0, 3)),
  ];
  await before.finish(batches[1] as Batch);
  const after = await started(6);
  expect(after.unfinished()).toEqual([batches[0], batches[2]]);
  expect(after.resume).toEqual({ segment: 2, index: 4 });
  expect((await after.note(range(2, 4, 4))).number).toBe(4);
});

test('numbers in the store carry the id of this journal, also after restarts', async () => {
  const before = await started(5);
  const batch = await before.note(range(1, 0, 0));
  expect(before.storeNumber(batch)).toBe((5n << 40n) | 1n);
  const after = await started(7);
  expect(after.storeNumber(batch)).toBe((5n << 40n) | 1n);
});

test('a last line cut at any byte leaves the entries before it valid', async () => {
  const before = await started();
  const first = await before.note(range(1, 0, 9));
  const whole = readFileSync(path);
  await before.note(range(1, 10, 19));
  const both = readFileSync(path);
  for (let bytes = whole.length; bytes < both.length; bytes += 1) {
    writeFileSync(path, both.subarray(0, bytes));
    const after = await started();
    expect([after.unfinished(), after.resume]).toEqual([[first], { segment: 1, index: 10 }]);
    expect(await after.note(range(1, 10, 12))).toEqual({ number: 2, ...range(1, 10, 12) });
  }
});

test('a damaged line in the middle prevents the start, because the sent ranges are unknown', async () => {
  const before = await started();
  await before.note(range(1, 0, 9));
  writeFileSync(path, readFileSync(path, 'utf8').replace('"note"', '"no'));
  const message = `cannot read the batch ledger ${path}, line 3: it is damaged`;
  await expect(started()).rejects.toThrow(message);
});

test('noting one batch and finishing another at once loses neither', async () => {
  const ledger = await started();
  let last = await ledger.note(range(1, 0, 0));
  for (let index = 1; index < 50; index += 1) {
    const [next] = await Promise.all([ledger.note(range(1, index, index)), ledger.finish(last)]);
    last = next;
    const after = await afterCrash();
    expect([after.unfinished(), after.resume]).toEqual([[last], { segment: 1, index: index + 1 }]);
  }
});

test('a grown file is rewritten with every unfinished batch', async () => {
  const ledger = await started();
  const inDoubt = await ledger.note(range(1, 0, 0));
  for (let index = 1; index < 500; index += 1) {
    await ledger.finish(await ledger.note(range(1, index, index)));
    expect(statSync(path).size).toBeLessThan(COMPACT_BYTES + 200);
  }
  const after = await afterCrash();
  expect([after.unfinished(), after.resume]).toEqual([[inDoubt], { segment: 1, index: 500 }]);
});

test.each([
  { name: 'what is read', needed: 3, finished: [1, 2, 3] },
  { name: 'a batch in doubt', needed: 2, finished: [1, 3] },
])('segments are needed from $name on', async ({ needed, finished }) => {
  const ledger = await started();
  for (const segment of [1, 2, 3]) await ledger.note(range(segment, 0, 9));
  for (const batch of ledger.unfinished())
    if (finished.includes(batch.number)) await ledger.finish(batch);
  expect(ledger.oldestNeededSegment()).toBe(needed);
});

describe('stopping', () => {
  test('releases every resource', async () => {
    const before = resourcesInUse();
    const ledger = await started();
    await ledger.finish(await ledger.note(range(1, 0, 9)));
    await ledger.stop();
    await expect.poll(() => leakedSince(before)).toEqual([]);
  });

  test('an empty file is a new ledger', async () => {
    writeFileSync(path, '');
    const ledger = await started();
    expect([ledger.unfinished(), ledger.resume]).toEqual([[], { segment: 0, index: 0 }]);
  });
});
