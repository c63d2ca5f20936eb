import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../lib/log.ts';
import { Metrics } from '../../lib/metrics.ts';
import { UNRELATED } from '../../model/account-relations.ts';
import type { ResourceVersion } from '../graph/resource-version.ts';
import { FOREVER } from '../graph/validity.ts';
import { nic, vpc } from '../testing.ts';
import { LiveSnapshot } from './live-snapshot.ts';

let histories: ResourceVersion[][];
let live: LiveSnapshot;

beforeEach(async () => {
  histories = [];
  live = new LiveSnapshot({
    histories: () => histories,
    relations: UNRELATED,
    log: silentLog,
    metrics: new Metrics(),
  });
  await live.start();
});

afterEach(() => live.stop());

function report(...resources: readonly ResourceVersion['resource'][]): void {
  const times = { fromSeconds: 0, toSeconds: FOREVER };
  histories = resources.map((resource) => [{ source: 'aws', slice: 'a', resource, ...times }]);
  live.changed();
}

const vantage = {
  owner: { account: '111111111111', region: 'us-east-1' },
  vpcId: 'vpc-a',
  timeSeconds: 1,
};
const has = (address: string) => live.current.here(address, vantage) !== undefined;
const host = (address: string) =>
  nic('eni-1', 'vpc-a', { addresses: [address], instanceId: 'i-1' });

test('it is empty and settled before the first statement', async () => {
  expect(live.current.isEmpty).toBe(true);
  await live.settled();
});

test('a statement is in it once it has settled, and the previous snapshot is unchanged', async () => {
  report(vpc('vpc-a', '10.0.0.0/16'), host('10.0.1.7'));
  await live.settled();
  const before = live.current;
  expect(has('10.0.1.7')).toBe(true);
  report(vpc('vpc-a', '10.0.0.0/16'), host('10.0.1.8'));
  await live.settled();
  expect([has('10.0.1.7'), has('10.0.1.8')]).toEqual([false, true]);
  expect(before.here('10.0.1.7', vantage)).toBeDefined();
});

test('many changes at once make one snapshot of the last, which ends all waits', async () => {
  const waits = ['10.0.1.1', '10.0.1.2', '10.0.1.3'].map((address) => {
    report(host(address));
    return live.settled();
  });
  await Promise.all(waits);
  expect([has('10.0.1.1'), has('10.0.1.3')]).toEqual([false, true]);
});

test('other work goes on while a large snapshot is made', async () => {
  const octets = Array.from({ length: 250 }, (_, i) => i);
  const hosts = octets.flatMap((b) =>
    octets
      .slice(0, 80)
      .map((c) => nic(`eni-${b}-${c}`, 'vpc-a', { addresses: [`10.0.${b}.${c}`] })),
  );
  report(...hosts);
  let turns = 0;
  let isDone = false;
  const done = live.settled().then(() => {
    isDone = true;
  });
  while (!isDone) {
    await new Promise((resolve) => setImmediate(resolve));
    turns += 1;
  }
  await done;
  expect(has('10.0.249.79')).toBe(true);
  expect(turns).toBeGreaterThan(5);
});

test('stopping ends all waits', async () => {
  report(host('10.0.1.7'));
  const waiting = live.settled();
  await live.stop();
  await waiting;
});
