import { ApiError } from '../../model/api-error.ts';
import type { Principal } from '../../model/owner.ts';
import type { ExtensionRoute } from './extension-route.ts';

export interface Administration {
  /** Whether the account administers the whole installation. */
  isManagementAccount(account: string): Promise<boolean>;
}

/**
 * Checks that a caller may administer an account: its own, or any as the management account.
 *
 * @throws ApiError AccessDeniedException, whether or not the other account exists
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

/** Restricts a route to the management account; other accounts get AccessDeniedException. */
export function managementOnly(
  administration: Administration,
  subject: 'accounts' | 'the organization' | 'the topology',
  answer: ExtensionRoute['answer'],
): ExtensionRoute['answer'] {
  return async (call) => {
    const { account } = call.principal;
    if (await administration.isManagementAccount(account)) return await answer(call);
    throw new ApiError(
      'AccessDeniedException',
      `Account ${account} may not administer ${subject}: only the management account may`,
    );
  };
}
