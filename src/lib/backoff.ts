export interface BackoffOptions {
  readonly firstMillis: number;
  readonly maxMillis: number;
  /** Returns a uniform number in [0, 1). */
  readonly random: () => number;
}

/**
 * Exponential backoff with full jitter: the wait after failed attempt n (from 1) is uniform between
 * 0 and first·2^(n-1), capped at `maxMillis`.
 */
export function backoffMillis(attempt: number, options: BackoffOptions): number {
  const ceiling = Math.min(options.maxMillis, options.firstMillis * 2 ** (attempt - 1));
  return Math.round(ceiling * options.random());
}
