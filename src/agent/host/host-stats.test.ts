import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HostStatsReader } from './host-stats.ts';

let root: string;
let driver: Map<string, bigint>;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'nfm-sysfs-'));
  driver = new Map();
});
afterEach(() => rmSync(root, { recursive: true }));

function device(name: string, { isPhysical = true, dropped = 0 } = {}): void {
  const folder = join(root, name);
  mkdirSync(join(folder, 'statistics'), { recursive: true });
  writeFileSync(join(folder, 'type'), '1\n');
  writeFileSync(join(folder, 'address'), '02:00:00:00:00:01\n');
  writeFileSync(join(folder, 'statistics', 'rx_dropped'), `${dropped}\n`);
  if (isPhysical) mkdirSync(join(folder, 'device'), { recursive: true });
}

const ENI = { id: 'eni-0a', mac: '02:00:00:00:00:01', subnetId: 'subnet-1', vpcId: 'vpc-1' };

const reader = () =>
  new HostStatsReader({ root, driver: () => ({ driver: 'ena', values: driver }) });

test('drops of a card are those since the last reading', () => {
  device('eth0', { dropped: 100 });
  const stats = reader();
  expect(stats.take([])).toEqual([]);
  device('eth0', { dropped: 103 });
  expect(stats.take([])).toEqual([{ interfaceId: 'eth0', values: { rx_dropped: 3 } }]);
  expect(stats.take([])).toEqual([{ interfaceId: 'eth0', values: { rx_dropped: 0 } }]);
});

test("EC2's allowances are under the interface's id, the available one as a level", () => {
  device('eth0');
  driver.set('bw_in_allowance_exceeded', 7n).set('conntrack_allowance_available', 500n);
  const stats = reader();
  stats.take([ENI]);
  driver.set('bw_in_allowance_exceeded', 9n).set('conntrack_allowance_available', 400n);
  driver.set('rx_queue_0_cnt', 5n);
  const values = { bw_in_allowance_exceeded: 2, rx_dropped: 0, conntrack_allowance_available: 400 };
  expect(stats.take([ENI])).toEqual([{ interfaceId: 'eni-0a', values }]);
});

test('counters that restart at 0 give no negative growth', () => {
  device('eth0', { dropped: 100 });
  const stats = reader();
  stats.take([]);
  device('eth0', { dropped: 4 });
  expect(stats.take([])[0]?.values).toEqual({ rx_dropped: 4 });
});

test('virtual devices are left out, and a new card has values from its second reading on', () => {
  device('veth1', { isPhysical: false });
  const stats = reader();
  stats.take([]);
  device('eth1', { dropped: 9 });
  expect(stats.take([])).toEqual([]);
  expect(stats.take([]).map(({ interfaceId }) => interfaceId)).toEqual(['eth1']);
});
