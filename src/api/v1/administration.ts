import { ApiError } from '../../model/api-error.ts';
import type { Principal } from '../../model/owner.ts';

export interface Administration {
  /** Whether the account administers the whole installation. */
  isManagementAccount(account: string): Promise<boolean>;
}

/**
 * Returns when the caller's account may administer the other: its own, or any for the management
 * account. Throws AccessDeniedException, whether there is such an account or not.
 */
export async function mayAdminister(
  administration: Administration,
  { account: own }: Principal,
  account: string,
): Promise<void> {
  if (account === own || (await administration.isManagementAccount(own))) return;
  throw new ApiError(
    'AccessDeniedException',
    `Account ${own} may not administer account ${account}: only the management account may`,
  );
}

/** Throws AccessDeniedException unless the caller's account is the management account. */
export async function mustManage(
  administration: Administration,
  { account }: Principal,
  what: string,
): Promise<void> {
  if (await administration.isManagementAccount(account)) return;
  throw new ApiError(
    'AccessDeniedException',
    `Account ${account} may not administer ${what}: only the management account may`,
  );
}
