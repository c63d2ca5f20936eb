import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { missingForLab } from '../../lab/net/kernel-need.ts';
import { silentLog } from '../../lib/log.ts';
import { ReportSpool } from './report-spool.ts';

const missing = missingForLab();

describe.skipIf(missing !== undefined)(`a spool on a small disk ${missing ?? ''}`, () => {
  let disk: string;
  let spool: ReportSpool;
  beforeEach(async () => {
    disk = mkdtempSync(join(tmpdir(), 'nfm-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
    spool = new ReportSpool({ folder: join(disk, 'spool'), maxBytes: 10_000_000, log: silentLog });
    await spool.start();
  });
  afterEach(async () => {
    await spool.stop();
    execFileSync('umount', [disk]);
    rmdirSync(disk);
  });

  const report = { bytes: Buffer.alloc(40_000), isGzip: true };
  const files = () => readdirSync(join(disk, 'spool')).filter((name) => name.endsWith('.report'));

  test('leaves a twentieth free, keeps the other reports in memory, and writes again later', async () => {
    for (let i = 0; i < 30; i += 1) await spool.add(report, 0);
    const written = files().length;
    expect(written).toBeGreaterThan(15);
    expect(written).toBeLessThan(30);
    expect(spool.length + spool.takeDropped()).toBe(30);
    const { oldest } = spool;
    if (oldest !== undefined) await spool.remove(oldest);
    await spool.add(report, 0);
    expect(files()).toHaveLength(written);
  });

  test('a disk filled by other files makes reports wait in memory', async () => {
    try {
      writeFileSync(join(disk, 'others'), Buffer.alloc(2_000_000));
    } catch {
      // The write fails when the disk is full, which is the state the test needs.
    }
    const added = await spool.add(report, 0);
    expect(files()).toEqual([]);
    expect(await spool.read(added)).toEqual(report);
    rmSync(join(disk, 'others'));
    await spool.add(report, 0);
    expect(files()).toHaveLength(1);
  });
});
