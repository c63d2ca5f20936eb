import { execFileSync } from 'node:child_process';
import { afterEach, describe, expect, test } from 'vitest';
import { missingForLab } from '../../lab/net/kernel-need.ts';
import { driverStatistics } from './ethtool.ts';

const missing = missingForLab();

const DEVICE = `nfm${process.pid}`.slice(0, 13);

describe.skipIf(missing !== undefined)(`ethtool ${missing ?? ''}`, () => {
  afterEach(() => {
    execFileSync('ip', ['link', 'delete', DEVICE]);
  });

  test("a driver's own counters are read by their names", () => {
    const peer = ['peer', 'name', `${DEVICE}p`];
    execFileSync('ip', ['link', 'add', DEVICE, 'type', 'veth', ...peer]);
    const index = execFileSync('cat', [`/sys/class/net/${DEVICE}p/ifindex`], { encoding: 'utf8' });
    const found = driverStatistics(DEVICE);
    expect(found?.driver).toBe('veth');
    expect(found?.values.get('peer_ifindex')).toBe(BigInt(index.trim()));
    expect(found?.values.get('rx_queue_0_drops')).toBe(0n);
  });
});
