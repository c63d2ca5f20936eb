import { statfs } from 'node:fs/promises';
import type { Log } from '../../lib/log.ts';
import { Loop } from '../../lib/loop.ts';
import type { Metrics } from '../../lib/metrics.ts';
import { pause } from '../../lib/pause.ts';
import type { Service } from '../../lib/service.ts';
import { Turns } from '../../lib/turns.ts';

export interface DiskGuardDeps {
  readonly folder: string;
  /** Told when room gets low and when it no longer is; asked again when it fails. */
  readonly onChange: (isLow: boolean) => Promise<void>;
  readonly log: Log;
  readonly metrics: Metrics;
}

const MIB = 1024 * 1024;
const MAX_RESERVE_BYTES = 1024 * MIB;
const RESERVE_SHARE = 0.05;
/** Room is no longer low only when so much more is free, so that it does not flap. */
const AGAIN = 1.25;
const LOOK_MILLIS = 200;

/** What must stay free: 5% of the disk, 1 GiB at most. */
export function reserveBytes(diskBytes: number): number {
  return Math.min(MAX_RESERVE_BYTES, diskBytes * RESERVE_SHARE);
}

/**
 * Watches how much room the data folder's disk has, so that the server stops taking and storing
 * reports before the disk is full: ClickHouse 26.7 takes a write that found no room for done
 * (`FlowStore.settle`).
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
  #told = false;
  #freeBytes = 0;

  constructor(deps: DiskGuardDeps) {
    this.#deps = deps;
    deps.metrics.observedGauge(
      { name: 'nfm_disk_free_bytes', help: "Room on the data folder's disk" },
      () => this.#freeBytes,
    );
    deps.metrics.observedGauge(
      { name: 'nfm_disk_low', help: '1 while reports are refused because the disk is nearly full' },
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

  /** Looks at the disk now; true when it has room and `onChange` knows. */
  look(): Promise<boolean> {
    return this.#looks.take(() => this.#look());
  }

  /** Waits until there is room. @throws the signal's reason when it is aborted before */
  async untilRoom(signal: AbortSignal): Promise<void> {
    while (this.#isLow || this.#told) {
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
      if (this.#told !== this.#isLow) {
        await onChange(this.#isLow);
        this.#told = this.#isLow;
      }
    } catch (error) {
      this.#logFailure(error);
    }
    return !this.#isLow && !this.#told;
  }

  #logFailure(error: unknown): void {
    const { log, folder } = this.#deps;
    log.error('cannot look after the disk', { error, folder });
  }

  #note(freeBytes: number, reserve: number): void {
    const isLow = freeBytes < reserve * (this.#isLow ? AGAIN : 1);
    if (isLow === this.#isLow) return;
    this.#isLow = isLow;
    const message = isLow
      ? 'the disk is nearly full; reports are refused'
      : 'the disk has room again';
    this.#deps.log.warn(message, { freeBytes, reserveBytes: reserve });
  }
}
