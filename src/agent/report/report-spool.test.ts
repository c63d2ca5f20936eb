import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../lib/log.ts';
import { ReportSpool } from './report-spool.ts';

let parent: string;
let folder: string;
let open: ReportSpool[];

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'nfm-spool-'));
  folder = join(parent, 'spool');
  open = [];
});
afterEach(async () => {
  for (const spool of open) await spool.stop();
  rmSync(parent, { recursive: true });
});

interface Given {
  readonly folder: string | undefined;
  readonly maxBytes: number;
}

async function spoolOf(given: Partial<Given> = {}): Promise<ReportSpool> {
  const spool = new ReportSpool({ folder, maxBytes: 1_000_000, log: silentLog, ...given });
  await spool.start();
  open.push(spool);
  return spool;
}

/** A report of 84 bytes; its file has 100. */
const report = (text: string) => ({ bytes: Buffer.from(text.padEnd(84)), isGzip: true });

/** Reads and removes all reports, as the publisher does. */
async function takeAll(spool: ReportSpool): Promise<readonly string[]> {
  const texts: string[] = [];
  for (let next = spool.oldest; next !== undefined; next = spool.oldest) {
    const read = await spool.read(next);
    if (read === undefined) continue;
    texts.push(Buffer.from(read.bytes).toString().trim());
    await spool.remove(next);
  }
  return texts;
}

const files = () => readdirSync(folder).filter((name) => name !== 'lock');

test('reports wait in their order, also for the next run, and leave no files when removed', async () => {
  const first = await spoolOf();
  await first.add(report('one'), 0);
  await first.add(report('two'), 0);
  await first.stop();
  const second = await spoolOf();
  await second.add(report('three'), 0);
  expect(second.length).toBe(3);
  expect((await second.read(second.oldest!))?.isGzip).toBe(true);
  expect(await takeAll(second)).toEqual(['one', 'two', 'three']);
  expect(files()).toEqual([]);
  expect(second.takeDropped() + second.takeCorrupted()).toBe(0);
});

test('only the owner may read them', async () => {
  const spool = await spoolOf();
  await spool.add(report('one'), 0);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, files()[0]!)).mode & 0o777).toBe(0o600);
});

test('without room the oldest reports are dropped and counted', async () => {
  const spool = await spoolOf({ maxBytes: 300 });
  for (const text of ['one', 'two', 'three', 'four', 'five']) await spool.add(report(text), 0);
  expect(spool.takeDropped()).toBe(2);
  expect(spool.takeDropped()).toBe(0);
  expect(await takeAll(spool)).toEqual(['three', 'four', 'five']);
});

test('a smaller limit applies from the next start on', async () => {
  const first = await spoolOf();
  for (const text of ['one', 'two', 'three']) await first.add(report(text), 0);
  await first.stop();
  const second = await spoolOf({ maxBytes: 250 });
  expect(second.takeDropped()).toBe(1);
  expect(await takeAll(second)).toEqual(['two', 'three']);
});

test('a dropped report returns its count of dropped ones, also after a restart', async () => {
  const first = await spoolOf();
  await first.add(report('counting'), 7);
  await first.add(report('two'), 0);
  await first.stop();
  const second = await spoolOf({ maxBytes: 200 });
  await second.add(report('three'), 0);
  expect(second.takeDropped()).toBe(8);
});

test.each([
  { name: 'cut short', damage: (path: string) => truncateSync(path, 50) },
  { name: 'empty', damage: (path: string) => truncateSync(path, 0) },
  { name: 'overwritten', damage: (path: string) => writeFileSync(path, 'x'.repeat(100)) },
  { name: 'missing', damage: (path: string) => rmSync(path) },
  {
    name: 'changed in one bit',
    damage: (path: string) => writeFileSync(path, '\0', { flag: 'r+' }),
  },
])('a file that is $name is skipped and counted', async ({ damage }) => {
  const spool = await spoolOf();
  await spool.add(report('one'), 0);
  await spool.add(report('two'), 0);
  await spool.add(report('three'), 0);
  damage(join(folder, files()[1]!));
  expect(await takeAll(spool)).toEqual(['one', 'three']);
  expect(spool.takeCorrupted()).toBe(1);
  expect(spool.takeCorrupted()).toBe(0);
  expect(files()).toEqual([]);
});

test('an incomplete file of a killed agent is removed', async () => {
  const first = await spoolOf();
  await first.add(report('one'), 0);
  await first.stop();
  writeFileSync(join(folder, '000000000002.0.report.new'), 'half');
  const second = await spoolOf();
  expect(await takeAll(second)).toEqual(['one']);
  expect(second.takeCorrupted()).toBe(0);
  expect(files()).toEqual([]);
});

test('other files in the folder stay', async () => {
  await (await spoolOf()).stop();
  writeFileSync(join(folder, 'notes.txt'), 'mine');
  const spool = await spoolOf();
  expect(spool.length).toBe(0);
  expect(files()).toEqual(['notes.txt']);
});

test('without a folder the newest 20 wait in memory, and dropped ones are counted', async () => {
  const spool = await spoolOf({ folder: undefined });
  for (let i = 1; i <= 25; i += 1) await spool.add(report(String(i)), 0);
  expect(spool.takeDropped()).toBe(5);
  expect(await takeAll(spool)).toEqual(Array.from({ length: 20 }, (_, i) => String(i + 6)));
});

test('a report that cannot be written waits in memory', async () => {
  const spool = await spoolOf();
  await spool.add(report('one'), 0);
  rmSync(folder, { recursive: true });
  await spool.add(report('two'), 0);
  expect(await takeAll(spool)).toEqual(['two']);
  expect(spool.takeCorrupted()).toBe(1);
});

test('a report larger than the spool waits in memory and drops no others', async () => {
  const spool = await spoolOf({ maxBytes: 90 });
  await spool.add(report('one'), 0);
  expect(files()).toEqual([]);
  expect(await takeAll(spool)).toEqual(['one']);
});

test('a second agent on the same folder is rejected until the first ends', async () => {
  const first = await spoolOf();
  await expect(spoolOf()).rejects.toThrow('another agent uses the spool');
  await first.stop();
  await spoolOf();
});

test('a folder that anyone may write is rejected', async () => {
  await (await spoolOf()).stop();
  chmodSync(folder, 0o777);
  await expect(spoolOf()).rejects.toThrow(`anyone may change the spool ${folder}`);
});

test('a folder that cannot be created is an error that names it', async () => {
  writeFileSync(folder, 'a file');
  await expect(spoolOf({ folder: join(folder, 'below') })).rejects.toThrow(
    'give another --spool-dir',
  );
});
