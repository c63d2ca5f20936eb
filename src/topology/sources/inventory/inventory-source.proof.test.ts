import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../../lib/clock.ts';
import { type Database, openDatabase } from '../../../lib/database.ts';
import { silentLog } from '../../../lib/log.ts';
import { Metrics } from '../../../lib/metrics.ts';
import type { SourceSlice } from '../../graph/source-statement.ts';
import { SliceReader } from '../slice-reader.ts';
import { RecordingSink, until } from '../testing.ts';
import { InventoryRepository } from './inventory-repository.ts';
import { InventorySource } from './inventory-source.ts';

const owner = { account: '000000000000', region: 'berlin' };
const other = { account: '111111111111', region: 'munich' };

let folder: string;
let file: string;
let database: Database;
let sink: RecordingSink;
const sources: InventorySource[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nfm-inventory-'));
  file = join(folder, 'inventory.yaml');
  database = await openDatabase({ url: `sqlite:${join(folder, 'control.sqlite')}` });
  sink = new RecordingSink();
});
afterEach(async () => {
  for (const source of sources.splice(0)) await source.stop();
  await database.destroy();
  await rm(folder, { recursive: true });
});

interface Settings {
  readonly file?: string;
  readonly slices?: readonly SourceSlice[];
}

/** A server's source; several may share the database. */
async function start({ file: followed = '', slices = [] }: Settings = {}) {
  const clock = new FakeClock(1_800_000_000_000);
  const source = new InventorySource({
    reader: new SliceReader({ sink, clock, log: silentLog, metrics: new Metrics() }),
    repository: new InventoryRepository(database),
    slices: () => slices,
    file: followed,
    owner,
    log: silentLog,
  });
  sources.push(source);
  await source.start();
  return source;
}

const networkOf = (name: string) => `networks: [{ name: ${name} }]`;
const namesOf = (slice: string) => sink.named(slice, 'vpc').map((one) => 'name' in one && one.name);

/** Replaces the file in one step, as editors and Kubernetes do. */
async function replace(text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

describe('a file', () => {
  test('is in force when the source has started, and after each change', async () => {
    await writeFile(file, networkOf('office'));
    await start({ file });
    expect(namesOf(file)).toEqual(['office']);
    await replace(networkOf('lab'));
    await until(() => expect(namesOf(file)).toEqual(['lab']));
    expect(sink.statements).toHaveLength(2);
  });

  test('that becomes faulty changes nothing, and fails once with the reason until it is fixed', async () => {
    await writeFile(file, networkOf('office'));
    await start({ file });
    await replace('networks:\n  - name: 1');
    await until(() => expect(sink.failures).toHaveLength(1));
    expect(sink.failures[0]?.message).toBe(
      'line 2: networks[0].name: expected text (put a number in quotes)',
    );
    expect(sink.statements).toHaveLength(1);
    await replace(networkOf('office'));
    await until(() => expect(sink.statements).toHaveLength(2));
    expect(sink.failures).toHaveLength(1);
  });

  test('that is missing fails, and is read once it exists', async () => {
    await start({ file });
    expect(sink.failures[0]?.message).toMatch(/^cannot read the inventory: ENOENT/);
    await replace(networkOf('office'));
    await until(() => expect(namesOf(file)).toEqual(['office']));
  });

  test('of more than a megabyte is rejected', async () => {
    await writeFile(file, `# ${' '.repeat(1024 * 1024)}\n${networkOf('office')}`);
    await start({ file });
    expect(sink.failures[0]?.message).toBe('larger than 1048576 bytes');
  });

  test('that is no longer configured is withdrawn, and other slices are not', async () => {
    await start({
      slices: [
        { source: 'inventory', slice: '/etc/old.yaml' },
        { source: 'aws', slice: 'ip-ranges' },
      ],
    });
    expect(sink.withdrawn).toEqual(['/etc/old.yaml']);
  });
});

describe('an inventory that is put', () => {
  test('is in force when the call resolves, for its account and Region, and is returned unchanged', async () => {
    const source = await start();
    const text = networkOf('office # with a remark\n');
    expect(await source.put(other, text)).toBe(4);
    expect(sink.named(other.account, 'vpc')).toMatchObject([{ name: 'office', ...other }]);
    expect(await source.get(other.account)).toBe(text);
    expect(await source.get(owner.account)).toBeUndefined();
  });

  test('replaces the previous one', async () => {
    const source = await start();
    await source.put(owner, networkOf('office'));
    await source.put(owner, networkOf('lab'));
    expect(namesOf(owner.account)).toEqual(['lab']);
    expect(await source.get(owner.account)).toBe(networkOf('lab'));
  });

  test('and is faulty is rejected, and the previous one stays', async () => {
    const source = await start();
    await source.put(owner, networkOf('office'));
    await expect(source.put(owner, 'network: []\nlink: []')).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringMatching(
        /^line 1: network: unknown member.*\nline 2: link: unknown member/,
      ),
    });
    expect(await source.get(owner.account)).toBe(networkOf('office'));
    expect(namesOf(owner.account)).toEqual(['office']);
    expect(sink.failures).toEqual([]);
  });

  test('is read again after a restart', async () => {
    const first = await start();
    await first.put(other, networkOf('office'));
    await first.stop();
    sink.statements.length = 0;
    await start();
    expect(sink.named(other.account, 'vpc')).toMatchObject([{ name: 'office', ...other }]);
  });

  test('is found by the other servers of the database, as is its deletion', async () => {
    const slices = [{ source: 'inventory', slice: owner.account }] as const;
    const [first] = [await start(), await start({ slices })];
    await first.put(owner, networkOf('office'));
    await until(() => expect(sink.statements.length).toBeGreaterThan(1));
    sink.withdrawn.length = 0;
    expect(await first.delete(owner.account)).toBe(true);
    await until(() => expect(sink.withdrawn.length).toBeGreaterThan(1));
    expect(await first.delete(owner.account)).toBe(false);
  });
});
