import { rmSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { silentLog } from '../../lib/log.ts';
import { Metrics } from '../../lib/metrics.ts';
import { leakedSince, resourcesInUse } from '../../lib/testing.ts';
import { DiskGuard, reserveBytes } from './disk-guard.ts';

const MIB = 1024 * 1024;

test.each([
  { name: 'a small disk', diskMib: 200, reserveMib: 10 },
  { name: 'one of 20 GiB', diskMib: 20 * 1024, reserveMib: 1024 },
  { name: 'a large one', diskMib: 2_000_000, reserveMib: 1024 },
])('what is kept free of $name', ({ diskMib, reserveMib }) => {
  expect(reserveBytes(diskMib * MIB)).toBe(reserveMib * MIB);
});

test('a disk with free space is reported as such, and stopping releases every resource', async () => {
  const before = resourcesInUse();
  const metrics = new Metrics();
  const changes: boolean[] = [];
  const guard = new DiskGuard({
    folder: tmpdir(),
    onChange: async (isLow) => void changes.push(isLow),
    log: silentLog,
    metrics,
  });
  await guard.start();
  const { bavail, bsize, blocks } = await statfs(tmpdir());
  const isLow = bavail * bsize < reserveBytes(blocks * bsize);
  expect([guard.isLow, changes]).toEqual([isLow, isLow ? [true] : []]);
  expect(await metrics.page()).toMatch(/^nfm_disk_free_bytes [1-9]/m);
  await guard.stop();
  await expect.poll(() => leakedSince(before)).toEqual([]);
});

test('a missing folder is not a full disk', async () => {
  const folder = `${tmpdir()}/nfm-guard-that-is-not-there`;
  rmSync(folder, { recursive: true, force: true });
  const onChange = () => Promise.resolve();
  const guard = new DiskGuard({ folder, onChange, log: silentLog, metrics: new Metrics() });
  await guard.start();
  expect(guard.isLow).toBe(false);
  await guard.stop();
});
