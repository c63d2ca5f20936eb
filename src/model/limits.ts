/**
 * A table, queue or cache with a bound. Where the requests of one account can fill it, the account
 * has a bound of its own, so that it takes no room that others use.
 */
export interface Limit {
  readonly holds: string;
  /** Absent where the requests of an account cannot fill it. */
  readonly perAccount?: number | undefined;
  readonly total?: number | undefined;
  readonly metric?: string | undefined;
  readonly beyond: string;
}
