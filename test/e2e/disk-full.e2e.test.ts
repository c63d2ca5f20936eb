import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { ServerProcess } from '../../src/lab/server-process.ts';
import { Poster } from '../load/poster.ts';
import { countRows } from './count-rows.ts';
import { InsistentSender, sumOf } from './insistent-sender.ts';

const MIB = 1024 * 1024;
const DISK_MIB = 192;
const FLOWS = 100;
const SENDERS = 4;
const SEED = 20_261_124;
/** Less than the 5% that the server keeps free. */
const LOW_BYTES = 0.045 * DISK_MIB * MIB;
/**
 * Free space left each time the disk fills up. Each size makes another write fail: of the journal,
 * of the ledger, of the block for ClickHouse, or of a part within ClickHouse.
 */
const ROOM_BYTES = [0, 8 * 1024, 64 * 1024, 200 * 1024, 400 * 1024, 800 * 1024, 2 * MIB];

const missing = missingForMounts();

function missingForMounts(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root, to mount a small file system';
  const probe = mkdtempSync(join(tmpdir(), 'nfm-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'none', probe], { stdio: 'ignore' });
    execFileSync('umount', [probe]);
    return undefined;
  } catch {
    return 'needs the right to mount';
  } finally {
    rmdirSync(probe);
  }
}

/** A small file system for a data folder, to be filled and freed. */
class SmallDisk {
  readonly path = mkdtempSync(join(tmpdir(), 'nfm-disk-'));
  readonly #ballast = join(this.path, 'ballast');

  constructor() {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'none', this.path]);
  }

  get data(): string {
    return join(this.path, 'data');
  }

  /** Fills the disk up to `roomBytes` of free space; call again to take freed space too. */
  fill(roomBytes: number): void {
    const { bavail, bsize } = statfsSync(this.path);
    const bytes = Math.max(0, bavail * bsize - roomBytes);
    try {
      writeFileSync(this.#ballast, Buffer.alloc(bytes, 1), { flag: 'a' });
    } catch (error) {
      // The server has filled the disk first.
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }

  free(): void {
    rmSync(this.#ballast, { force: true });
  }

  remove(): void {
    execFileSync('umount', ['-l', this.path]);
    rmdirSync(this.path);
  }
}

let disk: SmallDisk | undefined;
let server: ServerProcess | undefined;
let poster: Poster | undefined;

afterEach(async () => {
  poster?.close();
  disk?.free();
  await server?.dispose();
  disk?.remove();
  disk = undefined;
  server = undefined;
  poster = undefined;
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(10);
}

describe.skipIf(missing !== undefined)(`a full disk ${missing ?? ''}`, () => {
  test('reports are rejected with 503 while it is full and accepted again without a restart; every acknowledged report is stored once', async () => {
    disk = new SmallDisk();
    server = await ServerProcess.start({ data: disk.data, flags: ['--journal-segment-mib', '1'] });
    const credentials = await server.credentials('agent');
    const { endpoint } = server;
    poster = new Poster({ endpoint, credentials, region: 'us-east-1', connections: SENDERS });
    const current = poster;
    const senders = Array.from(
      { length: SENDERS },
      (_, run) => new InsistentSender({ run, flows: FLOWS, seed: SEED }),
    );
    const sending = Promise.all(senders.map((sender) => sender.send(() => current)));
    // Awaited at the end. If the test fails earlier, the rejection must not hide the test's own
    // error.
    sending.catch(() => {});
    const refused: number[] = [];
    for (const room of ROOM_BYTES) {
      const before = sumOf(senders, 200);
      await until(() => sumOf(senders, 200) >= before + 100);
      const refusedBefore = sumOf(senders, 503);
      // A disk fills up gradually: the server rejects reports before it is full.
      disk.fill(LOW_BYTES);
      await until(() => sumOf(senders, 503) > refusedBefore);
      // Take the space that is freed in the meantime too.
      for (disk.fill(room); sumOf(senders, 503) < refusedBefore + 20; disk.fill(room)) {
        await delay(100);
      }
      refused.push(sumOf(senders, 503) - refusedBefore);
      disk.free();
    }
    const before = sumOf(senders, 200);
    await until(() => sumOf(senders, 200) >= before + 100);
    for (const sender of senders) sender.isDone = true;
    await sending;

    expect([...new Set(senders.flatMap(({ answers }) => [...answers.keys()]))].sort()).toEqual([
      200, 503,
    ]);
    await server.waitUntilStored();
    expect(await server.stop()).toBe(0);
    const acknowledged = sumOf(senders, 200);
    const rows = acknowledged * FLOWS;
    expect(await countRows(server.data)).toEqual({ rows, distinct: rows });
    console.log(
      `${ROOM_BYTES.length} times full: ${acknowledged} reports acknowledged, ${refused.join(', ')} posts rejected, ${rows} rows stored`,
    );
  });
});
