import { totalmem } from 'node:os';
import type { Clock } from '../../lib/clock.ts';

/** CPU and memory of the agent itself, under the existing agent's names. */
export interface ProcessUsage {
  /** CPU seconds per second since the last reading; 1 is one core. */
  readonly cpu_util: number;
  readonly mem_used_kb: number;
  readonly mem_used_ratio: number;
}

/** Reads the usage of this process since the last reading. */
export class ProcessUsageReader {
  readonly #clock: Clock;
  #cpuMicros = 0;
  #readAt: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  read(): ProcessUsage {
    const { user, system } = process.cpuUsage();
    const now = this.#clock.now();
    const elapsed = (now - (this.#readAt ?? now - process.uptime() * 1_000)) * 1_000;
    const used = user + system - this.#cpuMicros;
    this.#cpuMicros = user + system;
    this.#readAt = now;
    const bytes = process.memoryUsage.rss();
    return {
      cpu_util: elapsed > 0 ? used / elapsed : 0,
      mem_used_kb: Math.round(bytes / 1_024),
      mem_used_ratio: bytes / totalmem(),
    };
  }
}
