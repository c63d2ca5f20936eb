import type { AccountDescription, Accounts } from '../../auth/accounts.ts';
import { ApiError } from '../../model/api-error.ts';
import { IDENTITY_STATUSES } from '../../model/owner.ts';
import { jsonAnswer } from '../json-answer.ts';
import { type Administration, managementOnly } from './administration.ts';
import { type ExtensionCall, type ExtensionRoute, labelOf } from './extension-route.ts';
import { JsonMembers } from './json-members.ts';
import { required } from './read-value.ts';

export interface AccountRouteDeps {
  readonly accounts: Accounts;
  readonly administration: Administration;
  /** Rejects with ConflictException while the account owns anything other than access keys. */
  readonly refuseInUse: (account: string) => Promise<void>;
}

const PATH = '/api/v1/accounts';
const ONE = `${PATH}/{account}`;

/** `/api/v1/accounts`: the management account administers the accounts of the installation. */
export function accountRoutes(deps: AccountRouteDeps): readonly ExtensionRoute[] {
  const { accounts, administration, refuseInUse } = deps;
  const managed = (answer: ExtensionRoute['answer']) =>
    managementOnly(administration, 'accounts', answer);
  return [
    {
      method: 'GET',
      path: PATH,
      action: 'nfm:ListAccounts',
      answer: managed(async () =>
        jsonAnswer({ accounts: (await accounts.list()).map(accountMembers) }),
      ),
    },
    {
      method: 'POST',
      path: PATH,
      action: 'nfm:CreateAccount',
      answer: managed(async ({ request }) => {
        const members = new JsonMembers(request, ['account', 'description']);
        const account = required('account', members.accountId('account'));
        const description = members.text('description') ?? '';
        return jsonAnswer(accountMembers(await accounts.create(account, description)));
      }),
    },
    {
      method: 'PATCH',
      path: ONE,
      action: 'nfm:UpdateAccount',
      answer: managed(async (call) => {
        const members = new JsonMembers(call.request, ['status', 'description']);
        const status = members.choice('status', IDENTITY_STATUSES);
        if (status === 'DISABLED') refuseOwn(call, 'disabled');
        const change = { status, description: members.text('description') };
        const account = labelOf(call, 'account');
        return jsonAnswer(accountMembers(await accounts.update(account, change)));
      }),
    },
    {
      method: 'DELETE',
      path: ONE,
      action: 'nfm:DeleteAccount',
      answer: managed(async (call) => {
        refuseOwn(call, 'deleted');
        const account = labelOf(call, 'account');
        await refuseInUse(account);
        await accounts.delete(account);
        return jsonAnswer({});
      }),
    },
  ];
}

/** The management account could not undo this: its keys would no longer work. */
function refuseOwn(call: ExtensionCall, participle: 'disabled' | 'deleted'): void {
  if (labelOf(call, 'account') !== call.principal.account) return;
  throw new ApiError('ConflictException', `An account cannot be ${participle} by its own key`);
}

function accountMembers({ createdAtMillis, ...account }: AccountDescription) {
  return { ...account, createdAt: new Date(createdAtMillis).toISOString() };
}
