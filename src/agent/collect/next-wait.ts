/** Target fill of the buffers at a reading. At this fill the records are still in the CPU cache. */
const AIM = 1 / 4;

const MIN_MILLIS = 20;

/**
 * Milliseconds until the next reading: fewer when connections close faster. With a fixed 500 ms, at
 * 80,000 ends a second the ring was always full and the traffic made half as many connections.
 */
export function nextWait(last: {
  /** The wait before the last reading. */
  readonly wait: number;
  /** The fill of the buffers of closed connections at that reading, 0 to 1. */
  readonly fill: number;
  readonly max: number;
}): number {
  const right = last.fill === 0 ? last.max : (last.wait * AIM) / last.fill;
  return Math.min(last.max, Math.max(MIN_MILLIS, right));
}
