import { statfs } from 'node:fs/promises';
import type { Log } from '../../lib/log.ts';
import { Loop } from '../../lib/loop.ts';
import type { Metrics } from '../../lib/metrics.ts';
import { pause } from '../../lib/pause.ts';
import type { Service } from '../../lib/service.ts';
import { Turns } from '../../lib/turns.ts';

export interface DiskGuardDeps {
  readonly folder: string;
  /** Called when the disk becomes low and when it recovers. Called again after a failure. */
  readonly onChange: (isLow: boolean) => Promise<void>;
  readonly log: Log;
  readonly metrics: Metrics;
}

const MIB = 1024 * 1024;
const MAX_RESERVE_BYTES = 1024 * MIB;
const RESERVE_SHARE = 0.05;
/** The disk recovers when this many times the reserve is free, so that the state does not flap. */
const RECOVERY_FACTOR = 1.25;
const LOOK_MILLIS = 200;

/** Bytes that must stay free: 5% of the disk, at most 1 GiB. */
export function reserveBytes(diskBytes: number): number {
  return Math.min(MAX_RESERVE_BYTES, diskBytes * RESERVE_SHARE);
}

/**
 * Watches the free space on the disk of the data folder, so that the server stops accepting and
 * storing reports before the disk is full: ClickHouse 26.7 treats a write that found no space as
 * done (see `FlowStore.settle`).
 */
export class DiskGuard implements Service {
  readonly name = 'disk guard';
  readonly #deps: DiskGuardDeps;
  readonly #looks = new Turns();
  readonly #loop = new Loop({
    round: () => this.look(),
    everyMillis: LOOK_MILLIS,
    onError: (error) => this.#logFailure(error),
  });
  #isLow = false;
  #reportedLow = false;
  #freeBytes = 0;

  constructor(deps: DiskGuardDeps) {
    this.#deps = deps;
    deps.metrics.observedGauge(
      { name: 'nfm_disk_free_bytes', help: 'Free bytes on the disk of the data folder' },
      () => this.#freeBytes,
    );
    deps.metrics.observedGauge(
      {
        name: 'nfm_disk_low',
        help: '1 while reports are rejected because the disk is nearly full',
      },
      () => (this.#isLow ? 1 : 0),
    );
  }

  get isLow(): boolean {
    return this.#isLow;
  }

  async start(): Promise<void> {
    await this.look();
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /**
   * Checks the disk now. Returns true when it has free space and `onChange` has been called for it.
   */
  look(): Promise<boolean> {
    return this.#looks.take(() => this.#look());
  }

  /** Waits for free space. @throws the signal's reason when the signal is aborted before */
  async untilRoom(signal: AbortSignal): Promise<void> {
    while (this.#isLow || this.#reportedLow) {
      await pause(LOOK_MILLIS, signal);
      signal.throwIfAborted();
    }
  }

  async #look(): Promise<boolean> {
    const { folder, onChange } = this.#deps;
    try {
      const { bavail, bsize, blocks } = await statfs(folder);
      this.#freeBytes = bavail * bsize;
      this.#note(this.#freeBytes, reserveBytes(blocks * bsize));
      if (this.#reportedLow !== this.#isLow) {
        await onChange(this.#isLow);
        this.#reportedLow = this.#isLow;
      }
    } catch (error) {
      this.#logFailure(error);
    }
    return !this.#isLow && !this.#reportedLow;
  }

  #logFailure(error: unknown): void {
    const { log, folder } = this.#deps;
    log.error('cannot check the disk', { error, folder });
  }

  #note(freeBytes: number, reserve: number): void {
    const isLow = freeBytes < reserve * (this.#isLow ? RECOVERY_FACTOR : 1);
    if (isLow === this.#isLow) return;
    this.#isLow = isLow;
    const message = isLow
      ? 'the disk is nearly full; reports are rejected'
      : 'the disk has free space again';
    this.#deps.log.warn(message, { freeBytes, reserveBytes: reserve });
  }
}
