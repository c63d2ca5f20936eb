/** The relations between accounts that the organization states. */
export interface AccountRelations {
  /**
   * Whether an account administers another one, so that its hosts may be in networks of the other.
   * False for an account and itself.
   */
  administers(account: string, other: string): boolean;
  /** Whether both accounts are in one organization. */
  areTogether(account: string, other: string): boolean;
}

/** Accounts without an organization. */
export const UNRELATED: AccountRelations = {
  administers: () => false,
  areTogether: () => false,
};
