import { beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../../lib/clock.ts';
import { type PlainMetric, plainIndex, timingIndex } from '../../model/flow-metrics.ts';
import type { ReportedFlow } from '../../model/report.ts';
import { LEFT_IN_TABLE, SEVERED_CONNECT, SEVERED_ESTABLISHED } from '../kernel/record-layout.ts';
import { DETAIL_METRICS } from '../kernel/socket-details.ts';
import { SocketCollector } from './socket-collector.ts';
import {
  type FakeSocket,
  FakeSource,
  JIFFY_MICROS,
  type NamedDetails,
  socketDetails,
} from './testing.ts';

let source: FakeSource;
let clock: FakeClock;
let collector: SocketCollector;
const cgroups = {
  allowReading: () => {},
  pathOf: (id: number) => (id === 7 ? '/kubepods' : undefined),
};

beforeEach(() => {
  source = new FakeSource();
  clock = new FakeClock(1_000_000);
  collector = new SocketCollector({ source, cgroups, clock, notrackMillis: 65_000 });
});

const takeFlows = async () => (await collector.takeWindow()).flows;

const PROGRESS = { cookie: 1, startedNanos: 1, details: socketDetails(), processName: '' };

function plain(flows: readonly ReportedFlow[], metric: PlainMetric): number {
  return flows.reduce((sum, flow) => sum + (flow.values[plainIndex(metric)] ?? 0), 0);
}

function roundTrips(flows: readonly ReportedFlow[]) {
  const first = timingIndex('rtt_us');
  const [count, min, max, sum] = flows[0]?.values.subarray(first, first + 4) ?? [];
  return { count, min, max, sum };
}

test('a window holds the growth since the last one', async () => {
  source.table = [{ cookie: 1, bytesAcked: 100, segmentsOut: 2, changes: 1 }];
  expect(plain(await takeFlows(), 'bytes_delivered')).toBe(100);
  source.table = [{ cookie: 1, bytesAcked: 250, segmentsOut: 5, changes: 2 }];
  const flows = await takeFlows();
  expect(plain(flows, 'bytes_delivered')).toBe(150);
  expect(plain(flows, 'segments_delivered')).toBe(3);
});

test('connections of one remote address and service port are one flow', async () => {
  source.table = [
    { cookie: 1, bytesAcked: 1 },
    { cookie: 2, bytesAcked: 2 },
    { cookie: 3, bytesAcked: 4, remote: '10.0.0.3' },
    { cookie: 4, bytesAcked: 8, isServer: true },
  ];
  const flows = await takeFlows();
  expect(flows.map(({ side, remoteAddress }) => `${side} ${remoteAddress}`)).toEqual([
    'client 10.0.0.2',
    'client 10.0.0.3',
    'server 10.0.0.2',
  ]);
  expect(flows.map(({ servicePort }) => servicePort)).toEqual([443, 443, 443]);
  expect(plain(flows.slice(0, 1), 'bytes_delivered')).toBe(3);
  expect(plain(flows, 'connect_attempts')).toBe(3);
});

test('counters that wrap keep counting', async () => {
  source.table = [{ cookie: 1, segmentsOut: 5, retrans: [0, 4, 0], changes: 1 }];
  await takeFlows();
  source.table = [
    { cookie: 1, segmentsOut: 0x7fff_ffff, retrans: [0, 0xffff_fff0, 0], changes: 2 },
  ];
  await takeFlows();
  source.table = [
    { cookie: 1, segmentsOut: 0xffff_fff0, retrans: [0, 0xffff_fff5, 0], changes: 3 },
  ];
  await takeFlows();
  source.table = [{ cookie: 1, segmentsOut: 0x10, retrans: [0, 3, 0], changes: 4 }];
  const flows = await takeFlows();
  expect(plain(flows, 'segments_delivered')).toBe(0x20);
  expect(plain(flows, 'retrans_est')).toBe(14);
});

test('a record older than the progress subtracts nothing', async () => {
  source.table = [{ cookie: 1, bytesReceived: 10, changes: 1 }];
  const progress = { ...PROGRESS, bytesAcked: 0, segmentsIn: 7, segmentsOut: 0 };
  source.progress = [{ ...progress, bytesReceived: 500 }];
  expect(plain(await takeFlows(), 'bytes_received')).toBe(500);
  source.progress = [];
  source.table = [{ cookie: 1, bytesReceived: 20, segmentsIn: 1, changes: 2 }];
  expect(plain(await takeFlows(), 'bytes_received')).toBe(0);
  source.table = [];
  source.closed = [{ cookie: 1, bytesReceived: 501, segmentsIn: 8, changes: 3 }];
  const last = await takeFlows();
  expect(plain(last, 'bytes_received')).toBe(1);
  expect(plain(last, 'segments_received')).toBe(1);
});

test('progress of an earlier connection of the same socket is not counted', async () => {
  source.table = [{ cookie: 1, started: 2 }];
  const progress = { bytesReceived: 9, bytesAcked: 9, segmentsIn: 1, segmentsOut: 1 };
  source.progress = [{ ...PROGRESS, ...progress }];
  expect(plain(await takeFlows(), 'bytes_received')).toBe(0);
});

test('a connection that opened and closed between two readings is counted whole', async () => {
  const roundTrip = { epoch: 0, count: 1, min: 40, max: 40, sum: 40 };
  source.closed = [
    { cookie: 1, bytesAcked: 12, connectMicros: 90, roundTrips: [roundTrip] },
    { cookie: 2, ending: SEVERED_ESTABLISHED, rtos: [0, 2, 0] },
  ];
  const flows = await takeFlows();
  expect(plain(flows, 'connect_attempts')).toBe(2);
  expect(plain(flows, 'sockets_completed')).toBe(2);
  expect(plain(flows, 'sockets_closed')).toBe(2);
  expect(plain(flows, 'severed_establish')).toBe(1);
  expect(plain(flows, 'rtos_est')).toBe(2);
  expect(roundTrips(flows)).toEqual({ count: 1, min: 40, max: 40, sum: 40 });
  expect(await takeFlows()).toEqual([]);
});

test('a connection that the full ring left in the table is counted once', async () => {
  source.table = [{ cookie: 1, bytesAcked: 5, state: 7, ending: LEFT_IN_TABLE }];
  const flows = await takeFlows();
  expect(plain(flows, 'sockets_completed')).toBe(1);
  expect(source.removed).toEqual([1]);
  expect(await takeFlows()).toEqual([]);
});

test('the table is read once a window, and at once when closed connections are left in it', async () => {
  await takeFlows();
  source.table = [{ cookie: 1, bytesAcked: 5, state: 7, ending: LEFT_IN_TABLE }];
  collector.collect();
  expect(source.removed).toEqual([]);
  source.ringFill = 1;
  collector.collect();
  source.ringFill = 0;
  collector.collect();
  expect(source.removed).toEqual([1]);
  collector.collect();
  expect(plain(await takeFlows(), 'sockets_completed')).toBe(1);
});

test('a connection is counted in its own flow, whatever flows share its cache slot', async () => {
  const remotes = Array.from({ length: 9_000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
  source.closed = [...remotes, ...remotes].map((remote, i) => ({ cookie: i, remote }));
  const flows = await takeFlows();
  expect(new Set(flows.map(({ remoteAddress }) => remoteAddress))).toEqual(new Set(remotes));
  expect(flows.every(({ values }) => values[plainIndex('sockets_completed')] === 2)).toBe(true);
});

test('a socket that connects again counts as two connections, in whatever order they are read', async () => {
  source.table = [{ cookie: 1, started: 1, bytesAcked: 100 }];
  collector.collect();
  source.table = [{ cookie: 1, started: 9, bytesAcked: 7 }];
  source.closed = [
    { cookie: 1, started: 1, bytesAcked: 130, changes: 2 },
    { cookie: 1, started: 5, bytesAcked: 1_000 },
  ];
  const flows = await takeFlows();
  expect(plain(flows, 'bytes_delivered')).toBe(1_137);
  expect(plain(flows, 'connect_attempts')).toBe(3);
  expect(plain(flows, 'sockets_completed')).toBe(2);
  expect(plain(flows, 'sockets_established')).toBe(1);
  source.table = [{ cookie: 1, started: 9, bytesAcked: 8, changes: 2 }];
  expect(plain(await takeFlows(), 'bytes_delivered')).toBe(1);
});

test('round trips are counted once, those of the running epoch after its end', async () => {
  const now = { epoch: 1, count: 2, min: 10, max: 20, sum: 30 };
  source.table = [
    { cookie: 1, roundTrips: [{ epoch: 0, count: 1, min: 5, max: 5, sum: 5 }, now], changes: 3 },
  ];
  expect(roundTrips(await takeFlows())).toEqual({ count: 1, min: 5, max: 5, sum: 5 });
  expect(roundTrips(await takeFlows())).toEqual({ count: 2, min: 10, max: 20, sum: 30 });
  expect(roundTrips(await takeFlows()).count).toBe(0);
});

test('levels are as of the end of the window', async () => {
  source.table = [
    { cookie: 1, state: 1 },
    { cookie: 2, state: 2 },
    { cookie: 3, state: 4 },
    { cookie: 4, state: 8 },
  ];
  await takeFlows();
  const flows = await takeFlows();
  expect(plain(flows, 'sockets_established')).toBe(1);
  expect(plain(flows, 'sockets_connecting')).toBe(1);
  expect(plain(flows, 'sockets_closing')).toBe(2);
});

test('an idle connection is left out of reports and counts on when it is active again', async () => {
  source.table = [{ cookie: 1, bytesAcked: 100, changes: 1 }];
  await takeFlows();
  clock.advance(65_001);
  expect(await takeFlows()).toEqual([]);
  expect(source.removed).toEqual([]);
  source.table = [{ cookie: 1, bytesAcked: 101, changes: 2 }];
  const flows = await takeFlows();
  expect(plain(flows, 'bytes_delivered')).toBe(1);
  expect(plain(flows, 'sockets_established')).toBe(1);
});

test('idle connections are evicted when the table is nearly full', async () => {
  source.table = Array.from({ length: 7 }, (_, i) => ({ cookie: i + 1 }));
  await takeFlows();
  clock.advance(65_001);
  source.table = source.table.map((socket) => ({
    ...socket,
    changes: socket.cookie === 3 ? 2 : 1,
  }));
  await takeFlows();
  expect(source.removed).toEqual([1, 2, 4, 5, 6, 7]);
  expect(collector.takeCounters().socket_eviction_completed).toBe(6);
  expect(collector.socketsTracked).toBe(1);
});

test('a connection first seen at its end has the same values as a tracked one', async () => {
  const details: NamedDetails = Object.fromEntries(
    DETAIL_METRICS.map((name, i) => [name, (i + 1) * JIFFY_MICROS]),
  );
  const last: FakeSocket = {
    cookie: 1,
    bytesReceived: 11,
    bytesAcked: 12,
    segmentsIn: 3,
    segmentsOut: 4,
    retrans: [1, 2, 3],
    rtos: [4, 5, 6],
    connectMicros: 250,
    ending: SEVERED_CONNECT | SEVERED_ESTABLISHED,
    changes: 9,
    cgroupId: 7,
    processName: 'curl',
    details,
    // The first epoch is in the window and the second in the next window, because the connection
    // closed later.
    roundTrips: [
      { epoch: 1, count: 2, min: 40, max: 90, sum: 130 },
      { epoch: 2, count: 1, min: 70, max: 70, sum: 70 },
    ],
  };
  source.table = [{ cookie: 1, processName: 'curl', cgroupId: 7 }];
  const [begun] = await takeFlows();
  source.table = [];
  source.closed = [last];
  const [tracked] = await takeFlows();

  const twin = new FakeSource();
  const other = new SocketCollector({ source: twin, cgroups, clock, notrackMillis: 65_000 });
  await other.takeWindow();
  twin.closed = [last];
  const [whole] = (await other.takeWindow()).flows;

  const attempts = plainIndex('connect_attempts');
  const values = tracked?.values.map((value, i) =>
    i === attempts ? value + (begun?.values[attempts] ?? 0) : value,
  );
  expect(whole).toEqual({ ...tracked, values });
  expect(whole?.values[plainIndex('dsacks')]).toBe(details.dsacks);
});

test('a connection that cannot be removed from the table stays tracked', async () => {
  source.table = Array.from({ length: 7 }, (_, i) => ({ cookie: i + 1, bytesAcked: 10 }));
  await takeFlows();
  source.kept.add(3);
  clock.advance(65_001);
  await takeFlows();
  expect(source.removed).toEqual([1, 2, 4, 5, 6, 7]);
  source.closed = [{ cookie: 3, bytesAcked: 14, changes: 2 }];
  source.table = [];
  const flows = await takeFlows();
  expect(plain(flows, 'bytes_delivered')).toBe(4);
  expect(plain(flows, 'sockets_completed')).toBe(1);
});

test('a connection that the table shows closed before its end is taken is counted once', async () => {
  source.table = [{ cookie: 1, bytesAcked: 5 }];
  await takeFlows();
  // Both are closed. The counters of connection 1 may not be final yet; connection 2 is new.
  source.table = [
    { cookie: 1, bytesAcked: 6, state: 7, changes: 2 },
    { cookie: 2, bytesAcked: 3, state: 7 },
  ];
  const before = await takeFlows();
  expect(plain(before, 'bytes_delivered')).toBe(0);
  expect(plain(before, 'sockets_completed')).toBe(0);
  expect(plain(before, 'sockets_established')).toBe(1);
  source.table = [];
  source.closed = [
    { cookie: 1, bytesAcked: 9, changes: 3 },
    { cookie: 2, bytesAcked: 4 },
  ];
  const flows = await takeFlows();
  expect(plain(flows, 'bytes_delivered')).toBe(8);
  expect(plain(flows, 'connect_attempts')).toBe(1);
  expect(plain(flows, 'sockets_completed')).toBe(2);
  expect(collector.takeCounters().sockets_stale).toBe(0);
});

test('a connection that vanished without an end is dropped and counted as stale', async () => {
  source.table = [{ cookie: 1 }];
  await takeFlows();
  source.table = [];
  await takeFlows();
  expect(collector.takeCounters().sockets_stale).toBe(1);
  expect(collector.socketsTracked).toBe(0);
});

test('an adopted connection is counted from its adoption on, and is no attempt', async () => {
  const before = {
    cookie: 1,
    isAdopted: true,
    bytesAcked: 1_000,
    segmentsOut: 9,
    details: { dsacks: 4 },
  };
  source.table = [before];
  collector.adopt();
  source.table = [{ ...before, bytesAcked: 1_050, segmentsOut: 10, changes: 2 }];
  source.progress = [
    { ...PROGRESS, bytesReceived: 0, bytesAcked: 1_080, segmentsIn: 0, segmentsOut: 11 },
  ];
  const flows = await takeFlows();
  expect(plain(flows, 'bytes_delivered')).toBe(80);
  expect(plain(flows, 'segments_delivered')).toBe(2);
  expect(plain(flows, 'connect_attempts')).toBe(0);
  expect(plain(flows, 'sockets_established')).toBe(1);
  source.table = [];
  source.progress = [];
  source.closed = [
    { ...before, bytesAcked: 1_081, segmentsOut: 12, details: { dsacks: 6 }, changes: 3 },
  ];
  const last = await takeFlows();
  expect(plain(last, 'bytes_delivered')).toBe(1);
  expect(plain(last, 'dsacks')).toBe(2);
});

test('busy time is unknown until a socket has given it', async () => {
  source.table = [{ cookie: 1 }];
  expect(plain(await takeFlows(), 'busy_us')).toBeNaN();
  const moved = { ...PROGRESS, bytesReceived: 1, bytesAcked: 0, segmentsIn: 1, segmentsOut: 0 };
  const details = socketDetails({ busy_us: 8_000, min_rtt_us: 70 });
  source.progress = [{ ...moved, details }];
  const [flow] = await takeFlows();
  expect(plain([flow!], 'busy_us')).toBe(8_000);
  expect(plain([flow!], 'rwnd_limited_us')).toBe(0);
  expect(flow!.values[timingIndex('min_rtt_us', 'sum')]).toBe(70);
  expect(flow!.values[timingIndex('delivery_rate')]).toBe(0);
});

test('a flow has the process and cgroup that all its connections share', async () => {
  const owned = { cgroupId: 7, processName: 'curl' };
  source.table = [
    { cookie: 1, ...owned },
    { cookie: 2, ...owned, remote: '10.0.0.3' },
  ];
  const flows = await takeFlows();
  expect(flows.map(({ processName, cgroup }) => [processName, cgroup])).toEqual([
    ['curl', '/kubepods'],
    ['curl', '/kubepods'],
  ]);
  source.table = [
    { cookie: 1, ...owned, changes: 2 },
    { cookie: 3, cgroupId: 8, processName: 'wget' },
    { cookie: 2, ...owned, remote: '10.0.0.3', changes: 2 },
  ];
  const [both, one] = await takeFlows();
  expect(both).toMatchObject({ processName: undefined, cgroup: undefined });
  expect(one).toMatchObject({ processName: 'curl', cgroup: '/kubepods' });
});

test('an accepted connection has its process once the iterator has seen it', async () => {
  source.table = [{ cookie: 1, isServer: true }];
  const [before] = await takeFlows();
  expect(before).toMatchObject({ processName: undefined });
  const moved = { ...PROGRESS, bytesReceived: 1, bytesAcked: 0, segmentsIn: 1, segmentsOut: 0 };
  source.progress = [{ ...moved, processName: 'nginx' }];
  const [after] = await takeFlows();
  expect(after).toMatchObject({ processName: 'nginx' });
});
