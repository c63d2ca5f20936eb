import { expect, test } from 'vitest';
import {
  type PlainMetric,
  plainIndex,
  timingIndex,
  VALUES_LENGTH,
} from '../../model/flow-metrics.ts';
import type { ReportedFlow, Side } from '../../model/report.ts';
import { bytesOf } from './flow-rank.ts';
import { topFlows } from './top-flows.ts';

function flow(servicePort: number, given: Partial<Record<PlainMetric, number>>): ReportedFlow {
  const values = new Float64Array(VALUES_LENGTH);
  for (const [name, value] of Object.entries(given))
    values[plainIndex(name as PlainMetric)] = value;
  return { side: 'client', localAddress: '::1', remoteAddress: '::1', servicePort, values };
}

const flows = [
  flow(1, { bytes_received: 10 }),
  flow(2, { retrans_est: 3 }),
  flow(3, { rtos_close: 2 }),
  flow(4, { severed_connect: 1, bytes_delivered: 1 }),
  flow(5, { bytes_delivered: 6, bytes_received: 5 }),
];

test('flows are ordered by loss, and by bytes if the loss is equal', () => {
  const ports = (limit: number) =>
    topFlows({ flows, remainders: [] }, limit).flows.map(({ servicePort }) => servicePort);
  expect(ports(4)).toEqual([4, 3, 2, 5]);
  expect(ports(1)).toEqual([4]);
});

test('flows within the limit are all reported', () => {
  expect(topFlows({ flows, remainders: [] }, 5)).toEqual({ flows, remainders: [] });
});

test('flows beyond the limit are added up by side and hint, without loss', () => {
  const to = (remoteAddress: string, side: Side, bytes: number): ReportedFlow => ({
    ...flow(443, { bytes_received: bytes }),
    remoteAddress,
    side,
  });
  const all = [
    to('10.0.0.1', 'client', 1),
    to('fe80::1', 'client', 2),
    to('8.8.8.8', 'client', 4),
    to('127.0.0.1', 'server', 8),
    to('10.0.0.1', 'server', 16),
  ];
  const { flows: kept, remainders } = topFlows({ flows: all, remainders: [] }, 1);
  expect(kept).toEqual([all[4]]);
  expect(
    remainders.map(({ side, hint, flows: cut, values }) => [side, hint, cut, bytesOf(values)]),
  ).toEqual([
    ['server', 'loopback', 1, 8],
    ['client', 'global', 1, 4],
    ['client', 'private', 2, 3],
  ]);
});

test('samples of flows beyond the limit keep count, minimum, maximum and sum', () => {
  const timed = (...parts: readonly number[]) => {
    const values = new Float64Array(VALUES_LENGTH);
    values.set(parts, timingIndex('rtt_us'));
    return { ...flow(443, {}), values };
  };
  const cut = [timed(2, 10, 30, 40), timed(0, 0, 0, 0), timed(1, 5, 5, 5)];
  const { remainders } = topFlows(
    { flows: [...cut, flow(1, { retrans_est: 1 })], remainders: [] },
    1,
  );
  const first = timingIndex('rtt_us');
  expect([...(remainders[0]?.values.subarray(first, first + 4) ?? [])]).toEqual([3, 5, 30, 45]);
});
