import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../lib/log.ts';
import type { Report } from '../../model/report.ts';
import { decodeReport } from '../../wire/otlp/decode-report.ts';
import type { EncodedReport, PostResult } from './endpoint.ts';
import { ReportPublisher } from './report-publisher.ts';
import { ReportSpool } from './report-spool.ts';

const ACCEPTED: PostResult = { status: 'accepted' };
const AWAY: PostResult = { status: 'failed', reason: 'away' };
const STUMBLED: PostResult = { status: 'failed', reason: '500', httpStatus: 500 };
const REFUSED: PostResult = { status: 'rejected', reason: '400' };
const FORBIDDEN: PostResult = { status: 'forbidden', reason: 'no such key' };

let folder: string;
/** What the endpoint says to each post; accepted when nothing is left. */
let results: PostResult[];
/** Sequences in the order they were posted. */
let posted: number[];
let forbidden: string[];
let running: ReportPublisher[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nfm-publisher-'));
  results = [];
  posted = [];
  forbidden = [];
  running = [];
});
afterEach(async () => {
  for (const publisher of running) await publisher.stop(0);
  rmSync(folder, { recursive: true });
});

interface Given {
  readonly folder?: string | undefined;
  readonly post?: (sequence: number) => Promise<PostResult>;
  readonly maxBytes?: number;
}

/** Waits are nearly nothing: the period is 10 ms. */
async function start(given: Given = {}): Promise<ReportPublisher> {
  const post = given.post ?? (async () => results.shift() ?? ACCEPTED);
  const publisher = new ReportPublisher({
    endpoint: {
      post: async (report) => {
        posted.push(sequenceOf(report));
        return await post(sequenceOf(report));
      },
    },
    spool: new ReportSpool({
      folder: given.folder,
      maxBytes: given.maxBytes ?? 1_000_000,
      log: silentLog,
    }),
    periodMillis: 10,
    compression: 'gzip',
    onForbidden: (reason) => forbidden.push(reason),
    log: silentLog,
    random: () => 0.5,
  });
  await publisher.start();
  running.push(publisher);
  return publisher;
}

function sequenceOf({ bytes, isGzip }: EncodedReport): number {
  const body = isGzip ? gunzipSync(bytes) : Buffer.from(bytes);
  return Number(decodeReport(body).resource.get('report.sequence'));
}

function report(sequence: number): Report {
  return {
    host: { instanceId: 'i-1', instanceType: '', machineId: 'm', interfaces: [] },
    agent: { serviceName: 's', serviceVersion: '1', buildTimestamp: '', reportVersion: '1.1' },
    identity: { runId: 'run', sequence },
    timeUnixNano: 1n,
    flows: [],
    processStats: {},
    counters: {},
  };
}

async function publishAll(publisher: ReportPublisher, ...sequences: number[]): Promise<void> {
  for (const sequence of sequences) await publisher.publish(report(sequence));
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

const nothing = {
  publish_report_failed: 0,
  reports_refused: 0,
  reports_dropped: 0,
  reports_corrupted: 0,
};

test('a report that was not taken is sent again until it is', async () => {
  results = [AWAY, AWAY, AWAY];
  const publisher = await start();
  await publishAll(publisher, 1);
  await until(() => publisher.waiting === 0);
  expect(posted).toEqual([1, 1, 1, 1]);
  expect(publisher.takeCounters()).toEqual({ ...nothing, publish_report_failed: 3 });
  expect(publisher.takeCounters()).toEqual(nothing);
});

test('after an outage the new report goes first, what waited follows oldest first', async () => {
  const publisher = await start({ folder, post: async () => AWAY });
  await publishAll(publisher, 1, 2, 3, 4);
  await publisher.stop(1_000);
  // It holds back until the fifth report is there.
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const taken: number[] = [];
  const next = await start({
    folder,
    post: async (sequence) => {
      await held;
      taken.push(sequence);
      return ACCEPTED;
    },
  });
  await publishAll(next, 5);
  release();
  await until(() => next.waiting === 0);
  // The oldest was on its way when the new one was made.
  expect(taken).toEqual([1, 5, 2, 3, 4]);
});

test('the new report of each period is sent while there is much that waited', async () => {
  const first = await start({ folder, post: async () => AWAY });
  await publishAll(first, ...Array.from({ length: 30 }, (_, i) => i + 1));
  await first.stop(1_000);
  const next = await start({ folder });
  for (let sequence = 31; sequence <= 34; sequence += 1) {
    await publishAll(next, sequence);
    const before = posted.length;
    await until(() => posted.includes(sequence));
    // At most the one on its way and one whose wait was just over.
    expect(posted.indexOf(sequence) - before).toBeLessThanOrEqual(2);
  }
  expect(next.waiting).toBeGreaterThan(0);
});

test('a run that was killed leaves its reports to the next', async () => {
  const spool = new ReportSpool({ folder, maxBytes: 1_000_000, log: silentLog });
  const never = new Promise<PostResult>(() => {});
  const killed = new ReportPublisher({
    endpoint: { post: () => never },
    spool,
    periodMillis: 10,
    compression: 'none',
    onForbidden: () => {},
    log: silentLog,
    random: () => 0.5,
  });
  await killed.start();
  await publishAll(killed, 1, 2);
  // What the kernel does to a killed process: its lock is gone.
  await spool.stop();
  const next = await start({ folder });
  await until(() => next.waiting === 0);
  expect(posted).toEqual([1, 2]);
});

test.each([
  { name: 'in memory: all are tried', given: {}, sent: [1, 2, 3] },
  {
    name: 'with a spool: the newest is tried, the rest is for the next run',
    given: 'spool',
    sent: [3],
  },
])('at the end, $name', async ({ given, sent }) => {
  let isAway = true;
  const taken: number[] = [];
  const publisher = await start({
    folder: given === 'spool' ? folder : undefined,
    post: async (sequence) => {
      if (isAway) return AWAY;
      taken.push(sequence);
      return ACCEPTED;
    },
  });
  await publishAll(publisher, 1, 2);
  await until(() => posted.length > 2);
  isAway = false;
  await publisher.publish(report(3));
  await publisher.stop(5_000);
  expect(taken).toEqual(expect.arrayContaining(sent));
});

test('the end does not wait longer than it may', async () => {
  const publisher = await start({ post: async () => AWAY });
  await publishAll(publisher, 1);
  await publisher.stop(20);
  expect(publisher.waiting).toBe(1);
  expect(publisher.takeCounters().publish_report_failed).toBeGreaterThan(0);
});

test('a report the server stumbles over does not hold up the others', async () => {
  const publisher = await start({
    folder,
    post: async (sequence) => (sequence === 1 ? STUMBLED : ACCEPTED),
  });
  await publishAll(publisher, 1, 2, 3);
  await until(() => publisher.waiting === 1);
  expect(posted).toEqual(expect.arrayContaining([1, 2, 3]));
});

test('a report refused for good is not sent again, and counted', async () => {
  results = [REFUSED];
  const publisher = await start();
  await publishAll(publisher, 1);
  await until(() => publisher.waiting === 0);
  await publishAll(publisher, 2);
  await until(() => publisher.waiting === 0);
  expect(posted).toEqual([1, 2]);
  expect(publisher.takeCounters()).toEqual({
    ...nothing,
    publish_report_failed: 1,
    reports_refused: 1,
  });
});

test('keys that are refused from the first end the sending', async () => {
  results = [FORBIDDEN];
  const publisher = await start();
  await publishAll(publisher, 1);
  await until(() => forbidden.length > 0);
  await publishAll(publisher, 2);
  await publisher.stop(5_000);
  expect(posted).toEqual([1]);
  expect(forbidden).toEqual(['no such key']);
});

test('keys that worked before are tried again', async () => {
  results = [ACCEPTED, FORBIDDEN];
  const publisher = await start();
  await publishAll(publisher, 1);
  await until(() => publisher.waiting === 0);
  await publishAll(publisher, 2);
  await until(() => publisher.waiting === 0);
  expect(posted).toEqual([1, 2, 2]);
  expect(forbidden).toEqual([]);
});

test('every report dropped for want of room is told of once, by one that stays', async () => {
  const publisher = await start({ folder, maxBytes: 1_000, post: async () => AWAY });
  const told: number[] = [];
  for (let sequence = 1; sequence <= 40; sequence += 1) {
    told.push(publisher.takeCounters().reports_dropped);
    await publishAll(publisher, sequence);
  }
  const { waiting } = publisher;
  const still = publisher.takeCounters().reports_dropped;
  const sum = told.slice(-waiting).reduce((all, one) => all + one, still);
  expect(waiting).toBeGreaterThan(1);
  expect(sum).toBe(40 - waiting);
});
