import type { Clock } from '../lib/clock.ts';
import { openLibc } from './kernel/libc.ts';

const libc = openLibc();

/**
 * Milliseconds since this machine started, its sleep included: never set, so it never jumps. For
 * how long something lasts. (`os.uptime()` opens and reads a file, in steps of 10 ms.)
 */
export const steadyClock: Clock = { now: () => libc.bootMillis() };
