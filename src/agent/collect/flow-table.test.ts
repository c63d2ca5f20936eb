import { expect, test } from 'vitest';
import { addressBytes } from '../../model/address.ts';
import { plainIndex } from '../../model/flow-metrics.ts';
import { RECORD_BYTES } from '../kernel/record-layout.ts';
import { SocketRecord } from '../kernel/socket-record.ts';
import { writeRecord } from '../kernel/write-record.ts';
import { FlowTable } from './flow-table.ts';
import { addTo, type FlowWindow, VALUE_INDEX } from './flow-window.ts';

const MAX = 16;

function recordTo(remote: string): SocketRecord {
  const record = new SocketRecord(4_000);
  record.view = new DataView(new ArrayBuffer(RECORD_BYTES));
  const remoteAddress = addressBytes(remote);
  const localAddress = addressBytes('10.0.0.1');
  const ports = { localPort: 50_000, remotePort: 443, isServer: false };
  const fields = { cookie: 1, startedNanos: 1, state: 7, localAddress, remoteAddress, ...ports };
  writeRecord(record.view, fields, 4_000);
  return record;
}

/** Counts one connection that began and ended. */
function connect(table: FlowTable, remote: string, { bytes = 1, retrans = 0 } = {}): FlowWindow {
  const flow = table.find(recordTo(remote));
  const values = flow.touch();
  addTo(values, VALUE_INDEX.completed, 1);
  addTo(values, VALUE_INDEX.bytesDelivered, bytes);
  if (retrans > 0) addTo(values, VALUE_INDEX.retrans + 1, retrans);
  return flow;
}

function take(table: FlowTable) {
  const { flows, remainders } = table.take([], () => undefined);
  const all = [...flows, ...remainders];
  const sum = (index: number) => all.reduce((to, { values }) => to + (values[index] ?? 0), 0);
  return {
    flows,
    remainders,
    completed: sum(plainIndex('sockets_completed')),
    bytes: sum(plainIndex('bytes_delivered')),
    cut: remainders.reduce((to, each) => to + each.flows, 0),
  };
}

test('with ten times too many flows, every byte and flow is counted exactly once', () => {
  const table = new FlowTable(MAX);
  for (let i = 0; i < 10 * MAX; i += 1) connect(table, `10.1.0.${i}`, { bytes: i });
  const taken = take(table);
  expect(taken.flows.length).toBeLessThanOrEqual(MAX);
  expect(taken.flows.length + taken.cut).toBe(10 * MAX);
  expect(taken.completed).toBe(10 * MAX);
  expect(taken.bytes).toBe((10 * MAX * (10 * MAX - 1)) / 2);
  expect(take(table)).toMatchObject({ flows: [], remainders: [] });
});

test('the flows with most loss are kept, whenever they began', () => {
  const table = new FlowTable(MAX);
  connect(table, '10.2.0.1', { retrans: 7 });
  for (let i = 0; i < 5 * MAX; i += 1) connect(table, `10.1.0.${i}`);
  connect(table, '10.2.0.2', { retrans: 8 });
  for (let i = 0; i < 5 * MAX; i += 1) connect(table, `10.1.1.${i}`);
  const kept = take(table).flows.map(({ remoteAddress }) => remoteAddress);
  expect(kept).toEqual(expect.arrayContaining(['10.2.0.1', '10.2.0.2']));
});

test('a folded flow that appears again still counts as one flow', () => {
  const table = new FlowTable(MAX);
  const remotes = Array.from({ length: 3 * MAX }, (_, i) => `10.1.0.${i}`);
  for (const remote of [...remotes, ...remotes]) connect(table, remote);
  const taken = take(table);
  expect(taken.flows.length + taken.cut).toBe(3 * MAX);
  expect(taken.completed).toBe(6 * MAX);
});

test('a flow with an open connection is not folded; one without room is in the sum until its end', () => {
  const table = new FlowTable(MAX);
  const open = Array.from({ length: MAX }, (_, i) => connect(table, `10.1.0.${i}`));
  for (const flow of open) flow.connections += 1;
  const late = connect(table, '93.184.216.34');
  late.connections += 1;
  expect(late.isCut).toBe(true);
  const first = take(table);
  expect(first.flows).toHaveLength(MAX);
  expect(first.remainders).toMatchObject([{ side: 'client', hint: 'global', flows: 1 }]);
  addTo(late.touch(), VALUE_INDEX.bytesDelivered, 5);
  late.connections -= 1;
  expect(take(table)).toMatchObject({ cut: 1, bytes: 5 });
  expect(take(table).remainders).toEqual([]);
});
