/**
 * The `toSeconds` of a version that has not ended. It is the last second of ClickHouse's DateTime, in
 * 2106.
 */
export const FOREVER = 0xffffffff;

/** A half-open range of time: `toSeconds` is not in it. Seconds since 1970. */
export interface Validity {
  readonly fromSeconds: number;
  /** FOREVER while it has not ended. */
  readonly toSeconds: number;
}

export function isValidAt({ fromSeconds, toSeconds }: Validity, timeSeconds: number): boolean {
  return fromSeconds <= timeSeconds && timeSeconds < toSeconds;
}
