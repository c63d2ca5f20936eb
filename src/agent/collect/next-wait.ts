/** What waits should fill so much of its room: read soon, it is still in the processor's cache. */
const AIM = 1 / 4;

const MIN_MILLIS = 20;

/**
 * Milliseconds until the next reading: the fewer, the faster connections close. At 80,000 ends a
 * second a ring read each 500 ms was always full, and the traffic made half as many.
 */
export function nextWait(last: {
  /** Before the last reading. */
  readonly wait: number;
  /** How full it then was where closed connections wait, 0 to 1. */
  readonly fill: number;
  readonly max: number;
}): number {
  const right = last.fill === 0 ? last.max : (last.wait * AIM) / last.fill;
  return Math.min(last.max, Math.max(MIN_MILLIS, right));
}
