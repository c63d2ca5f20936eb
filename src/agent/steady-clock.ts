import type { Clock } from '../lib/clock.ts';
import { openLibc } from './kernel/libc.ts';

const libc = openLibc();

/**
 * Milliseconds since this machine started, including suspended time. It is never set and never jumps,
 * so it measures durations. (`os.uptime()` reads a file, in steps of 10 ms.)
 */
export const steadyClock: Clock = { now: () => libc.bootMillis() };
