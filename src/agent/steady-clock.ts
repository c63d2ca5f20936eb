import { uptime } from 'node:os';
import type { Clock } from '../lib/clock.ts';

/**
 * Milliseconds since this machine started, its sleep included: never set, so it never jumps. For
 * how long something lasts; the kernel gives it in steps of 10 ms.
 */
export const steadyClock: Clock = { now: () => uptime() * 1_000 };
