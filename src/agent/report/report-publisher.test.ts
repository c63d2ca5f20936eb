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
/** The results of the next posts; after them `accepted`. */
let results: PostResult[];
/** Sequences in the order of their posts. */
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

/** The period is 10 ms, so waits are short. */
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

test('a report is sent again until it is accepted', async () => {
  results = [AWAY, AWAY, AWAY];
  const publisher = await start();
  await publishAll(publisher, 1);
  await until(() => publisher.waiting === 0);
  expect(posted).toEqual([1, 1, 1, 1]);
  expect(publisher.takeCounters()).toEqual({ ...nothing, publish_report_failed: 3 });
  expect(publisher.takeCounters()).toEqual(nothing);
});

test('after an outage the new report is sent first, then the waiting ones, oldest first', async () => {
  const publisher = await start({ folder, post: async () => AWAY });
  await publishAll(publisher, 1, 2, 3, 4);
  await publisher.stop(1_000);
  // The endpoint answers only when the fifth report has been made.
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
  // Report 1, the oldest, was being sent when report 5 was made.
  expect(taken).toEqual([1, 5, 2, 3, 4]);
});

test('the new report of each period is sent while many are waiting', async () => {
  const first = await start({ folder, post: async () => AWAY });
  await publishAll(first, ...Array.from({ length: 30 }, (_, i) => i + 1));
  await first.stop(1_000);
  const next = await start({ folder });
  for (let sequence = 31; sequence <= 34; sequence += 1) {
    await publishAll(next, sequence);
    const before = posted.length;
    await until(() => posted.includes(sequence));
    // At most two older reports precede it: the one being sent, and one whose wait had just ended.
    expect(posted.indexOf(sequence) - before).toBeLessThanOrEqual(2);
  }
  expect(next.waiting).toBeGreaterThan(0);
});

test('the next run sends the reports of a killed one', async () => {
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
  // Releases the lock, as the kernel does for a killed process.
  await spool.stop();
  const next = await start({ folder });
  await until(() => next.waiting === 0);
  expect(posted).toEqual([1, 2]);
});

test.each([
  { name: 'in memory: all are sent', given: {}, sent: [1, 2, 3] },
  {
    name: 'with a spool: the newest is sent, the next run sends the others',
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

test('stop ends within its limit', async () => {
  const publisher = await start({ post: async () => AWAY });
  await publishAll(publisher, 1);
  await publisher.stop(20);
  expect(publisher.waiting).toBe(1);
  expect(publisher.takeCounters().publish_report_failed).toBeGreaterThan(0);
});

test('a report on which the server fails does not delay the others', async () => {
  const publisher = await start({
    folder,
    post: async (sequence) => (sequence === 1 ? STUMBLED : ACCEPTED),
  });
  await publishAll(publisher, 1, 2, 3);
  await until(() => publisher.waiting === 1);
  expect(posted).toEqual(expect.arrayContaining([1, 2, 3]));
});

test('a report rejected for good is not sent again, and is counted', async () => {
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

test('a key that is rejected from the first post on ends the sending', async () => {
  results = [FORBIDDEN];
  const publisher = await start();
  await publishAll(publisher, 1);
  await until(() => forbidden.length > 0);
  await publishAll(publisher, 2);
  await publisher.stop(5_000);
  expect(posted).toEqual([1]);
  expect(forbidden).toEqual(['no such key']);
});

test('a key that worked before is tried again', async () => {
  results = [ACCEPTED, FORBIDDEN];
  const publisher = await start();
  await publishAll(publisher, 1);
  await until(() => publisher.waiting === 0);
  await publishAll(publisher, 2);
  await until(() => publisher.waiting === 0);
  expect(posted).toEqual([1, 2, 2]);
  expect(forbidden).toEqual([]);
});

test('each dropped report is counted once, in a report that is not dropped', async () => {
  const publisher = await start({ folder, maxBytes: 1_000, post: async () => AWAY });
  const counts: number[] = [];
  for (let sequence = 1; sequence <= 40; sequence += 1) {
    counts.push(publisher.takeCounters().reports_dropped);
    await publishAll(publisher, sequence);
  }
  const { waiting } = publisher;
  const still = publisher.takeCounters().reports_dropped;
  const sum = counts.slice(-waiting).reduce((all, one) => all + one, still);
  expect(waiting).toBeGreaterThan(1);
  expect(sum).toBe(40 - waiting);
});
