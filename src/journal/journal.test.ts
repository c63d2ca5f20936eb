import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open as openFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { silentLog } from '../lib/log.ts';
import { Metrics } from '../lib/metrics.ts';
import { leakedSince, resourcesInUse, seededRandom } from '../lib/testing.ts';
import { Journal, JournalUnavailableError } from './journal.ts';
import { frameHeader, markedFormat } from './segment.ts';

const KIB = 1024;
const ALL = { maxRecords: 1_000_000, maxBytes: 1024 * KIB * KIB };

let folder: string;
let metrics: Metrics;
const running: Journal[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nfm-journal-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const journal of running.splice(0)) await journal.stop();
  rmSync(folder, { recursive: true });
});

interface Given {
  readonly segmentBytes?: number;
  readonly maxBytes?: number;
  readonly hasRoom?: () => boolean;
}

async function started(given: Given = {}): Promise<Journal> {
  const { segmentBytes = 1024 * KIB, maxBytes = 64 * 1024 * KIB, hasRoom } = given;
  metrics = new Metrics();
  const options = { folder, segmentBytes, maxBytes };
  const journal = new Journal({ options, hasRoom, log: silentLog, metrics });
  await journal.start();
  running.push(journal);
  return journal;
}

/** Opens a second journal on the same folder, as after a crash: it finds what is on disk. */
async function restarted(given: Given = {}): Promise<Journal> {
  return await started(given);
}

async function readAll(journal: Journal): Promise<string[]> {
  const texts: string[] = [];
  let range = await journal.read(journal.positionAt(0), ALL);
  while (range.payloads.length > 0) {
    expect(range.last - range.first + 1).toBe(range.payloads.length);
    texts.push(...range.payloads.map(String));
    range = await journal.read(range.next, ALL);
  }
  return texts;
}

const texts = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => `record ${from + i}`);
const appendAll = (journal: Journal, all: readonly string[]) =>
  Promise.all(all.map((text) => journal.append(Buffer.from(text))));
const pathOf = (segment: number) => join(folder, `${String(segment).padStart(10, '0')}.journal`);

describe('an appended record', () => {
  test('is read in order, also after a restart', async () => {
    const before = await started();
    for (const part of [texts(3), texts(50, 3), texts(1, 53)]) await appendAll(before, part);
    expect(await readAll(before)).toEqual(texts(54));
    await before.stop();
    expect(await readAll(await restarted())).toEqual(texts(54));
  });

  test('shares an fsync with the records that wait at the same time', async () => {
    const journal = await started();
    await appendAll(journal, texts(200));
    const page = await metrics.page();
    const groups = Number(/nfm_journal_group_reports_count (\d+)/.exec(page)?.[1]);
    expect(groups).toBeLessThanOrEqual(2);
    expect(await metrics.value('nfm_journal_appended_total')).toBe(200);
  });

  test('may be empty, or larger than a segment', async () => {
    const journal = await started({ segmentBytes: 4 * KIB });
    const large = 'x'.repeat(20 * KIB);
    for (const text of ['', large, 'small']) await journal.append(Buffer.from(text));
    expect(await readAll(journal)).toEqual(['', large, 'small']);
    await journal.stop();
    expect(await readAll(await restarted())).toEqual(['', large, 'small']);
  });

  test('wakes its waiters', async () => {
    const journal = await started();
    const waiting = journal.waitForAppend(new AbortController().signal);
    await journal.append(Buffer.from('one'));
    await waiting;
  });

  test.each(['abort', 'stop'] as const)('is no longer waited for after %s', async (how) => {
    const journal = await started();
    const waiter = new AbortController();
    const waiting = journal.waitForAppend(waiter.signal);
    if (how === 'abort') waiter.abort();
    else await journal.stop();
    await waiting;
  });
});

describe('reading', () => {
  test.each([
    { name: 'records', limits: { maxRecords: 2, maxBytes: ALL.maxBytes }, counts: [2, 2, 1] },
    { name: 'bytes', limits: { maxRecords: 9, maxBytes: 60 }, counts: [2, 2, 1] },
    {
      name: 'fewer bytes than a record has',
      limits: { maxRecords: 9, maxBytes: 1 },
      counts: [1, 1, 1, 1, 1],
    },
  ])('is bounded by $name, and goes on where it was', async ({ limits, counts }) => {
    const journal = await started();
    await appendAll(journal, texts(5));
    const found: number[] = [];
    const read: string[] = [];
    let range = await journal.read(journal.positionAt(0), limits);
    while (range.payloads.length > 0) {
      found.push(range.payloads.length);
      read.push(...range.payloads.map(String));
      range = await journal.read(range.next, limits);
    }
    expect([found, read]).toEqual([counts, texts(5)]);
  });

  test('finds a record by its index, and stops at the end for an index beyond the last', async () => {
    const journal = await started();
    await appendAll(journal, texts(5));
    for (const index of [0, 3, 4]) {
      const range = await journal.read(await journal.seek(1, index), ALL);
      expect([range.first, range.payloads.map(String)]).toEqual([index, texts(5 - index, index)]);
    }
    const end = await journal.seek(1, 99);
    expect(end.index).toBe(5);
    await journal.append(Buffer.from('record 5'));
    expect((await journal.read(end, ALL)).payloads.map(String)).toEqual(['record 5']);
  });

  test('continues in the next segment, and never returns records of two at once', async () => {
    const journal = await started({ segmentBytes: 20 });
    for (const text of texts(6)) await journal.append(Buffer.from(text));
    expect(journal.segments().length).toBeGreaterThan(2);
    const range = await journal.read(journal.positionAt(0), ALL);
    expect(range.payloads.length).toBeLessThan(6);
    expect(await readAll(journal)).toEqual(texts(6));
  });
});

describe('after a crash', () => {
  test('a last record cut at any byte is dropped, and all before it are kept', async () => {
    const before = await started();
    await appendAll(before, texts(3));
    const without = statSync(pathOf(1)).size;
    await before.append(Buffer.from('the last one'));
    await before.stop();
    const whole = readFileSync(pathOf(1));
    for (let size = without; size < whole.length; size += 1) {
      for (const name of readdirSync(folder)) rmSync(join(folder, name));
      writeFileSync(pathOf(1), whole.subarray(0, size));
      const after = await restarted();
      expect(statSync(pathOf(1)).size).toBe(without);
      await after.append(Buffer.from('a new one'));
      expect(await readAll(after)).toEqual([...texts(3), 'a new one']);
      await after.stop();
    }
  });

  test.each([
    { name: 'zeros, as after a power cut', tail: Buffer.alloc(64) },
    { name: 'a length beyond any record', tail: Buffer.alloc(64, 0xff) },
    { name: 'a record of another checksum', tail: Buffer.from('0400000000000000', 'hex') },
    { name: 'part of a header', tail: Buffer.from('040000', 'hex') },
  ])('a tail of $name is cut off', async ({ tail }) => {
    const before = await started();
    await appendAll(before, texts(2));
    await before.stop();
    appendFileSync(pathOf(1), tail);
    expect(await readAll(await restarted())).toEqual(texts(2));
  });

  test('a new segment is started, and the old one is not written again', async () => {
    await (await started()).stop();
    const after = await restarted();
    expect(after.segments()).toEqual([1, 2]);
  });

  test('files with other names are ignored', async () => {
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    const journal = await started();
    await appendAll(journal, texts(1));
    await journal.deleteBefore(9);
    expect(readFileSync(join(folder, 'notes.txt'), 'utf8')).toBe('mine');
  });
});

describe('a damaged record', () => {
  const LARGE = Array.from({ length: 40 }, (_, i) => `record ${i} ${'x'.repeat(i * 7)}`);
  const SEGMENT = 2 * KIB;

  async function filled(): Promise<void> {
    const journal = await started({ segmentBytes: SEGMENT });
    for (const text of LARGE) await journal.append(Buffer.from(text));
    expect(journal.segments().length).toBeGreaterThan(2);
    await journal.stop();
  }

  function flipBit(segment: number, bit: number): void {
    const bytes = readFileSync(pathOf(segment));
    const at = bit >> 3;
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
    writeFileSync(pathOf(segment), bytes);
  }

  test('is skipped while the journal runs: counted once, and everything else is read', async () => {
    const journal = await started();
    await appendAll(journal, texts(4));
    flipBit(1, readFileSync(pathOf(1)).indexOf('record 1') * 8);
    expect(await readAll(journal)).toEqual(['record 0', 'record 2', 'record 3']);
    await readAll(journal);
    expect(await metrics.value('nfm_journal_damaged_places_total')).toBe(1);
    expect(await metrics.value('nfm_journal_damaged_bytes_total')).toBe(28);
  });

  test('costs itself and no other record, whichever bit of whichever segment flips', async () => {
    await filled();
    const whole = new Map(
      readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]),
    );
    const random = seededRandom(1);
    for (let trial = 0; trial < 150; trial += 1) {
      rmSync(folder, { recursive: true });
      mkdirSync(folder);
      for (const [name, bytes] of whole) writeFileSync(join(folder, name), bytes);
      const segment = 1 + Math.floor(random() * (whole.size - 1));
      flipBit(segment, Math.floor(random() * statSync(pathOf(segment)).size * 8));
      const journal = await restarted({ segmentBytes: SEGMENT });
      const read = await readAll(journal);
      await journal.stop();
      const lost = LARGE.filter((text) => !read.includes(text));
      expect(lost.length).toBeLessThanOrEqual(1);
      expect(read).toEqual(LARGE.filter((text) => !lost.includes(text)));
      expect(await metrics.value('nfm_journal_damaged_places_total')).toBe(lost.length);
      expect(keptBytes()).toBe(await metrics.value('nfm_journal_damaged_bytes_total'));
    }
  });

  test('at the end of the newest segment is kept aside, where a torn one is cut off', async () => {
    await filled();
    const newest = Math.max(...readdirSync(folder).map((name) => Number.parseInt(name, 10)));
    flipBit(newest, (statSync(pathOf(newest)).size - 1) * 8);
    expect(await readAll(await restarted())).toEqual(LARGE.slice(0, -1));
    expect(keptBytes()).toBeGreaterThan(0);
  });

  test('leaves the indexes of the others as they were, so that a noted batch is found', async () => {
    const journal = await started();
    await appendAll(journal, texts(9));
    const bytes = readFileSync(pathOf(1));
    for (const i of [2, 5, 6]) flipBit(1, bytes.indexOf(`record ${i}`) * 8);
    const found: string[] = [];
    for await (const record of journal.records({ segment: 1, first: 1, last: 7 })) {
      found.push(String(record));
    }
    expect(found).toEqual(['record 1', 'record 3', 'record 4', 'record 7']);
    const range = await journal.read(await journal.seek(1, 6), ALL);
    expect([range.first, range.last]).toEqual([7, 8]);
  });

  test('of a segment of an earlier version is skipped by its length', async () => {
    const frames = texts(4).map((text) => {
      const frame = Buffer.alloc(8 + text.length);
      frame.writeUInt32LE(text.length, 0);
      frame.write(text, 8);
      frame.writeUInt32LE(crc32(text, crc32(frame.subarray(0, 4))), 4);
      return frame;
    });
    writeFileSync(pathOf(1), Buffer.concat(frames));
    expect(await readAll(await started())).toEqual(texts(4));
    flipBit(1, Buffer.concat(frames).indexOf('record 2') * 8);
    expect(await readAll(await restarted())).toEqual(['record 0', 'record 1', 'record 3']);
  });

  test('a frame that a sender put into a report is never taken for a record', async () => {
    const journal = await started();
    const forged = Buffer.from('{"account":"another"}');
    const format = markedFormat(Buffer.alloc(8, 7));
    const frame = Buffer.concat([frameHeader(format, 1, forged), forged]);
    const body = Buffer.concat([Buffer.from('evil'), frame, frame]);
    await journal.append(body);
    await appendAll(journal, texts(1));
    flipBit(1, readFileSync(pathOf(1)).indexOf('evil') * 8);
    expect(await readAll(journal)).toEqual(texts(1));
  });

  function keptBytes(): number {
    const aside = join(folder, 'damaged');
    if (!existsSync(aside)) return 0;
    return readdirSync(aside).reduce((sum, name) => sum + statSync(join(aside, name)).size, 0);
  }
});

describe('deleting', () => {
  test('removes whole segments below the needed one, and frees their space', async () => {
    const journal = await started({ segmentBytes: 1 });
    for (const text of texts(5)) await journal.append(Buffer.from(text));
    expect(journal.segments()).toEqual([1, 2, 3, 4, 5]);
    await readAll(journal);
    const before = journal.bytes;
    await journal.deleteBefore(4);
    expect(journal.segments()).toEqual([4, 5]);
    expect(journal.bytes).toBeLessThan(before);
    expect(readdirSync(folder).sort()).toEqual(['0000000004.journal', '0000000005.journal']);
    expect(await readAll(journal)).toEqual(texts(2, 3));
  });

  test('never removes the segment that is being written', async () => {
    const journal = await started();
    await appendAll(journal, texts(2));
    await journal.deleteBefore(99);
    await appendAll(journal, texts(1, 2));
    expect(await readAll(journal)).toEqual(texts(3));
  });
});

describe('a record is rejected', () => {
  test('when the journal is full, until segments are deleted', async () => {
    const journal = await started({ segmentBytes: 1, maxBytes: 100 });
    const record = Buffer.alloc(50);
    await journal.append(record);
    await journal.append(record);
    expect(journal.writable).toBe(false);
    await expect(journal.append(record)).rejects.toThrow(JournalUnavailableError);
    await journal.deleteBefore(2);
    expect(journal.writable).toBe(true);
    await journal.append(record);
  });

  test('while the records that wait for the disk would fill the journal', async () => {
    const journal = await started({ maxBytes: 100 });
    const results = await Promise.allSettled(
      Array.from({ length: 5 }, () => journal.append(Buffer.alloc(50))),
    );
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
    ]);
  });

  test('when more than 64 MiB wait for the disk, but a single large record never', async () => {
    const journal = await started({ maxBytes: 1024 * 1024 * KIB });
    const large = Buffer.alloc(40 * 1024 * KIB);
    const results = await Promise.allSettled([journal.append(large), journal.append(large)]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    await journal.append(large);
  });

  test('while the disk has no room', async () => {
    let hasRoom = false;
    const journal = await started({ hasRoom: () => hasRoom });
    await expect(journal.append(Buffer.from('a'))).rejects.toThrow(JournalUnavailableError);
    hasRoom = true;
    await journal.append(Buffer.from('b'));
    expect(await readAll(journal)).toEqual(['b']);
  });

  test('after the stop, and the records that waited before it are kept', async () => {
    const journal = await started();
    const waiting = appendAll(journal, texts(3));
    await journal.stop();
    await waiting;
    await expect(journal.append(Buffer.from('late'))).rejects.toThrow('the journal is stopped');
    expect(await readAll(await restarted())).toEqual(texts(3));
  });
});

describe('when the disk fails', () => {
  /** The prototype of Node's file handles, on which tests replace methods. */
  async function handlePrototype(): Promise<FileHandle> {
    const file = await openFile(tmpdir(), 'r');
    await file.close();
    return Object.getPrototypeOf(file) as FileHandle;
  }

  const failure = () => Promise.reject(new Error('EIO: i/o error'));

  test.each(['writev', 'datasync'] as const)(
    'a failed %s refuses its records and keeps none, and the next ones go to a new segment',
    async (call) => {
      const journal = await started();
      await appendAll(journal, texts(2));
      vi.spyOn(await handlePrototype(), call).mockImplementationOnce(failure);
      await expect(journal.append(Buffer.from('refused'))).rejects.toThrow(JournalUnavailableError);
      await appendAll(journal, texts(2, 2));
      expect(journal.segments()).toEqual([1, 2]);
      expect(await readAll(journal)).toEqual(texts(4));
      await journal.stop();
      expect(await readAll(await restarted())).toEqual(texts(4));
    },
  );

  test('records are rejected until the failed write is truncated, so that no start brings it back', async () => {
    const journal = await started();
    await appendAll(journal, texts(1));
    const prototype = await handlePrototype();
    vi.spyOn(prototype, 'datasync').mockImplementationOnce(failure);
    const truncate = vi.spyOn(prototype, 'truncate').mockImplementation(failure);
    await expect(journal.append(Buffer.from('refused'))).rejects.toThrow(JournalUnavailableError);
    await expect(journal.append(Buffer.from('too'))).rejects.toThrow(JournalUnavailableError);
    truncate.mockRestore();
    await appendAll(journal, texts(1, 1));
    await journal.stop();
    expect(await readAll(await restarted())).toEqual(texts(2));
  });

  test('failed attempts leave no files behind', async () => {
    const journal = await started();
    const failing = vi.spyOn(await handlePrototype(), 'writev').mockImplementation(failure);
    for (let attempt = 0; attempt < 20; attempt += 1) {
      await expect(journal.append(Buffer.from('x'))).rejects.toThrow(JournalUnavailableError);
    }
    failing.mockRestore();
    expect(readdirSync(folder)).toEqual([]);
    await appendAll(journal, texts(1));
    expect(await readAll(journal)).toEqual(texts(1));
  });

  test('records are rejected while the folder is missing, and accepted when it is back', async () => {
    const journal = await started({ segmentBytes: 1 });
    await journal.append(Buffer.from('one'));
    rmSync(folder, { recursive: true });
    await expect(journal.append(Buffer.from('two'))).rejects.toThrow(JournalUnavailableError);
    folder = mkdtempSync(join(tmpdir(), 'nfm-journal-'));
  });
});

test('it releases every resource when it stops', async () => {
  const before = resourcesInUse();
  const journal = await started({ segmentBytes: 1 });
  await appendAll(journal, texts(5));
  await readAll(journal);
  await journal.deleteBefore(2);
  await journal.stop();
  await expect.poll(() => leakedSince(before)).toEqual([]);
});

test('a segment emptied by a truncation is skipped', async () => {
  await appendAll(await started(), texts(1));
  truncateSync(pathOf(1), 0);
  const journal = await restarted();
  await appendAll(journal, texts(1, 1));
  expect(await readAll(journal)).toEqual(texts(1, 1));
});
