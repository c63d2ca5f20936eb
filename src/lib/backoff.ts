export interface BackoffOptions {
  readonly firstMillis: number;
  readonly maxMillis: number;
  /** 0 to 1 (exclusive), uniform. */
  readonly random: () => number;
}

/** Full-jitter exponential backoff: the wait before attempt n (from 1) is uniform in [0, first·2^(n-1)]. */
export function backoffMillis(attempt: number, options: BackoffOptions): number {
  const ceiling = Math.min(options.maxMillis, options.firstMillis * 2 ** (attempt - 1));
  return Math.round(ceiling * options.random());
}
