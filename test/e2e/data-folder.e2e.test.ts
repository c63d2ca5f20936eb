import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ServerProcess } from '../../src/lab/server-process.ts';
import { checkoutRoot } from '../../src/lib/checkout-root.ts';
import { seededRandom } from '../../src/lib/testing.ts';
import { encodeReport } from '../../src/wire/otlp/encode-report.ts';
import { makeReport } from '../load/report-source.ts';
import { countRows } from './count-rows.ts';
import { knock, REPORT_HEADERS, signed } from './door.ts';

const NFM = join(checkoutRoot(), 'bin/nfm');
const FLOWS = 5;

let folder: string;
/** Copies of a data folder: `whole` after two runs, `older` after the first of them. */
let whole: string;
let older: string;
let data: string;
let server: ServerProcess | undefined;
let reports = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nfm-data-folder-'));
  [whole, older, data] = ['whole', 'older', 'data'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await runOnce(whole, 3);
  cpSync(whole, older, { recursive: true });
  await runOnce(whole, 2);
});
afterEach(async () => {
  await server?.dispose();
  server = undefined;
  rmSync(data, { recursive: true, force: true });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Publishes reports to a server on the folder, waits until they are stored, and stops it. */
async function runOnce(path: string, count: number): Promise<void> {
  server = await ServerProcess.start({ data: path });
  await publish(server, count);
  await server.waitUntilStored();
  await server.stop();
}

async function publish(to: ServerProcess, count: number): Promise<void> {
  const credentials = await to.credentials('agent');
  for (let i = 0; i < count; i += 1) {
    reports += 1;
    const body = gzipSync(uniqueReport(reports));
    const headers = { ...REPORT_HEADERS, 'x-nfm-attempt': String(reports) };
    const answer = await knock(to.endpoint, {
      headers: signed(body, { credentials, headers }),
      body,
    });
    expect(answer.status).toBe(200);
  }
}

function uniqueReport(seed: number): Uint8Array {
  const parts = { host: 1, flows: FLOWS, timeMillis: Date.now() };
  return encodeReport(makeReport({ ...parts, random: seededRandom(seed) }));
}

interface Ended {
  readonly code: number;
  readonly output: string;
}

function nfm(...argv: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [NFM, ...argv], { timeout: 60_000 }, (error, out, err) => {
      if (error !== null && typeof error.code !== 'number') return reject(error);
      resolve({ code: Number(error?.code ?? 0), output: `${out}${err}` });
    });
  });
}

const start = () => nfm('server', '--data', data, '--listen', '127.0.0.1:0');
const repair = (...flags: readonly string[]) => nfm('store', 'repair', '--data', data, ...flags);

const FILES: Readonly<Record<string, readonly string[]>> = {
  'batches.log': ['batches.log'],
  'control database': ['control.db', 'control.db-wal', 'control.db-shm'],
  journal: ['journal'],
  'accepted.json': ['accepted.json'],
  store: ['clickhouse'],
  'master.key': ['master.key'],
  'manifest.json': ['manifest.json'],
};

function lose(part: string): void {
  for (const file of FILES[part] ?? []) rmSync(join(data, file), { recursive: true, force: true });
}

describe('a server refuses a data folder', () => {
  test.each(Object.keys(FILES))('without its %s, and makes nothing anew', async (part) => {
    cpSync(whole, data, { recursive: true });
    lose(part);
    const { code, output } = await start();
    expect(output).toContain(`nfm server: data: in ${data}, ${part} is missing; restore a backup`);
    expect(code).toBe(2);
    for (const file of FILES[part] ?? []) expect(existsSync(join(data, file))).toBe(false);
    expect(readFileSync(join(data, 'credentials'))).toEqual(
      readFileSync(join(whole, 'credentials')),
    );
    expect(await repair()).toMatchObject({ code: 1 });
  });

  test.each(['batches.log', 'control database', 'journal', 'accepted.json', 'store'])(
    'whose %s is older by one run',
    async (part) => {
      cpSync(whole, data, { recursive: true });
      lose(part);
      for (const file of FILES[part] ?? []) {
        const source = join(older, file);
        if (existsSync(source)) cpSync(source, join(data, file), { recursive: true });
      }
      const { code, output } = await start();
      expect(output).toContain(`${part} is older than the other parts`);
      expect(code).toBe(2);
    },
  );
});

test('a lost ledger is made anew, and every accepted report is stored exactly once', async () => {
  server = await ServerProcess.start({ data });
  await publish(server, 10);
  await server.kill();
  await server.restart();
  await publish(server, 10);
  await server.kill();
  lose('batches.log');
  expect(await repair('--yes')).toMatchObject({ code: 0 });
  await server.restart();
  await publish(server, 10);
  await server.waitUntilStored();
  await server.stop();
  const rows = 30 * FLOWS;
  expect(await countRows(data)).toEqual({ rows, distinct: rows });
});

test('reports that the journal still has come back into a store that is older', async () => {
  cpSync(whole, data, { recursive: true });
  lose('store');
  cpSync(join(older, 'clickhouse'), join(data, 'clickhouse'), { recursive: true });
  expect(await repair('--yes')).toMatchObject({ code: 1 });
  expect(await repair('--yes', '--accept-loss')).toMatchObject({ code: 0 });
  server = await ServerProcess.start({ data });
  await publish(server, 1);
  await server.waitUntilStored();
  await server.stop();
  const rows = 6 * FLOWS;
  expect(await countRows(data)).toEqual({ rows, distinct: rows });
});

test('a lost control database is made anew only if its loss is accepted', async () => {
  cpSync(whole, data, { recursive: true });
  lose('control database');
  const refused = await repair('--yes');
  expect(refused.output).toContain('LOST FOR GOOD: all keys');
  expect(refused.code).toBe(1);
  expect(await repair('--yes', '--accept-loss')).toMatchObject({ code: 0 });
  const former = readFileSync(join(whole, 'credentials'));
  expect(readFileSync(join(data, 'credentials.old-1'))).toEqual(former);
  server = await ServerProcess.start({ data });
  await publish(server, 1);
  expect(readFileSync(join(data, 'credentials'))).not.toEqual(former);
});

test('a folder that an earlier version wrote is adopted once', async () => {
  cpSync(whole, data, { recursive: true });
  for (const part of ['manifest.json', 'accepted.json']) lose(part);
  rmSync(join(data, 'journal', 'mark.json'));
  rmSync(join(data, 'batches.log'));
  const ledger = readFileSync(join(whole, 'batches.log'), 'utf8');
  writeFileSync(join(data, 'batches.log'), ledger.replace(/^\{"mark".*\n/m, ''));
  server = await ServerProcess.start({ data });
  await publish(server, 1);
  await server.waitUntilStored();
  await server.stop();
  const rows = 6 * FLOWS;
  expect(await countRows(data)).toEqual({ rows, distinct: rows });
  lose('batches.log');
  expect((await start()).output).toContain('batches.log is missing');
});
