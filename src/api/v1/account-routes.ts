import type { AccountDescription, Accounts } from '../../auth/accounts.ts';
import { ApiError } from '../../model/api-error.ts';
import { IDENTITY_STATUSES } from '../../model/owner.ts';
import { type Administration, mustManage } from './administration.ts';
import { type ExtensionCall, type ExtensionRoute, jsonAnswer } from './extension-route.ts';
import { Members } from './members.ts';
import { invalid } from './query-parameters.ts';

export interface AccountRouteDeps {
  readonly accounts: Accounts;
  readonly administration: Administration;
  /** Rejects with ConflictException while something else than keys belongs to the account. */
  readonly refuseInUse: (account: string) => Promise<void>;
}

const PATH = '/api/v1/accounts';
const ONE = `${PATH}/{account}`;

/** `/api/v1/accounts`: the accounts of the installation, for its management account. */
export function accountRoutes({
  accounts,
  administration,
  refuseInUse,
}: AccountRouteDeps): readonly ExtensionRoute[] {
  const manage = ({ principal }: ExtensionCall) =>
    mustManage(administration, principal, 'accounts');
  return [
    {
      method: 'GET',
      path: PATH,
      action: 'nfm:ListAccounts',
      answer: async (call) => {
        await manage(call);
        return jsonAnswer({ accounts: (await accounts.list()).map(accountMembers) });
      },
    },
    {
      method: 'POST',
      path: PATH,
      action: 'nfm:CreateAccount',
      answer: async (call) => {
        await manage(call);
        const members = new Members(call.request, ['account', 'description']);
        const account = members.account('account');
        if (account === undefined) throw invalid('account: is required, 12 digits');
        const description = members.text('description') ?? '';
        return jsonAnswer(accountMembers(await accounts.create(account, description)));
      },
    },
    {
      method: 'PATCH',
      path: ONE,
      action: 'nfm:UpdateAccount',
      answer: async (call) => {
        await manage(call);
        const members = new Members(call.request, ['status', 'description']);
        const status = members.choice('status', IDENTITY_STATUSES);
        if (status === 'DISABLED') refuseOwn(call, 'disabled');
        const change = { status, description: members.text('description') };
        return jsonAnswer(accountMembers(await accounts.update(accountOf(call), change)));
      },
    },
    {
      method: 'DELETE',
      path: ONE,
      action: 'nfm:DeleteAccount',
      answer: async (call) => {
        await manage(call);
        refuseOwn(call, 'deleted');
        await refuseInUse(accountOf(call));
        await accounts.delete(accountOf(call));
        return jsonAnswer({});
      },
    },
  ];
}

function accountOf({ labels }: ExtensionCall): string {
  return labels.account ?? '';
}

/** Whoever shuts himself out cannot let himself in again. */
function refuseOwn(call: ExtensionCall, participle: string): void {
  if (accountOf(call) !== call.principal.account) return;
  throw new ApiError('ConflictException', `The account that asks cannot be ${participle} itself`);
}

function accountMembers({ createdAtMillis, ...account }: AccountDescription) {
  return { ...account, createdAt: new Date(createdAtMillis).toISOString() };
}
