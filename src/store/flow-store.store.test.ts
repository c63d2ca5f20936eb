import { existsSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { silentLog } from '../lib/log.ts';
import { Metrics } from '../lib/metrics.ts';
import { openConnection } from './connection.ts';
import { FlowStore } from './flow-store.ts';
import { name, sql } from './sql.ts';
import { describeStore } from './store.case.ts';
import { flowRow, oneSlice, startTestStore, TEST_OPTIONS } from './testing.ts';

describeStore('the embedded ClickHouse', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nfm-store-'));
  return {
    location: { path: join(folder, 'clickhouse') },
    async remove() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
});

test('the start removes the block files that a crash left, and nothing else', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nfm-store-'));
  const left = ['insert-0b5c.native', 'insert-1c6d.native'].map((name) => join(folder, name));
  const kept = ['control.db', 'insert-notes.txt', 'other.native'].map((name) => join(folder, name));
  for (const file of [...left, ...kept]) writeFileSync(file, 'x');
  const location = { path: join(folder, 'clickhouse') };
  const options = { ...TEST_OPTIONS, location };
  const store = new FlowStore({ options, log: silentLog, metrics: new Metrics() });
  try {
    await store.start();
    expect(left.filter(existsSync)).toEqual([]);
    expect(kept.filter(existsSync)).toEqual(kept);
    await store.insert(oneSlice([flowRow()]), 1n);
    expect(readdirSync(folder).filter((name) => /^insert-.*native$/.test(name))).toEqual([]);
  } finally {
    await store.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

test('settle finds an insert with empty files, and insertMissing stores it again', async () => {
  await using started = await startTestStore();
  const { store } = started;
  const rows = [flowRow({ servicePort: 1 }), flowRow({ servicePort: 2 })];
  await store.insert(oneSlice(rows), 1n);
  await store.insert(oneSlice(rows), 2n);
  const [part] = await store.query<{ path: string }>(
    sql`SELECT path FROM system.parts WHERE table = 'flows' AND active ORDER BY name DESC LIMIT 1`,
  );
  // A full disk leaves the file names of a part, with empty files.
  for (const name of readdirSync(part?.path ?? '')) truncateSync(join(part?.path ?? '', name));
  await store.settle(true);
  expect(await batches(store)).toEqual(['1', '1']);
  await store.insertMissing(oneSlice(rows), 1n);
  await store.insertMissing(oneSlice(rows), 2n);
  expect(await batches(store)).toEqual(['1', '1', '2', '2']);
  await store.settle(false);
  expect(await batches(store)).toEqual(['1', '1', '2', '2']);
});

async function batches(store: FlowStore): Promise<string[]> {
  const rows = await store.query<{ batch: string }>(sql`SELECT batch FROM flows ORDER BY batch`);
  return rows.map(({ batch }) => batch);
}

/** `CLICKHOUSE_URL` names a server; each run creates a database there and drops it. */
const url = process.env.CLICKHOUSE_URL;
if (url === undefined) {
  test.skip('the store on a ClickHouse server: CLICKHOUSE_URL is not set', () => {});
} else {
  describeStore('a ClickHouse server', async () => {
    const username = process.env.CLICKHOUSE_USER ?? 'default';
    const password = process.env.CLICKHOUSE_PASSWORD ?? '';
    const database = `nfm_test_${process.pid}`;
    const server = await openConnection({ url, username, password, database: 'default' });
    await server.command(sql`CREATE DATABASE ${name(database)}`);
    return {
      location: { url, username, password, database },
      async remove() {
        await server.command(sql`DROP DATABASE ${name(database)}`);
        await server.close();
      },
    };
  });
}
