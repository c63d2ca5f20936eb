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
  const managed = (answer: Answer) =>
    managementOnly(deps.administration, 'accounts', async (call) =>
      jsonAnswer(await answer(deps, call)),
    );
  return [
    { method: 'GET', path: PATH, action: 'nfm:ListAccounts', answer: managed(list) },
    { method: 'POST', path: PATH, action: 'nfm:CreateAccount', answer: managed(create) },
    { method: 'PATCH', path: ONE, action: 'nfm:UpdateAccount', answer: managed(update) },
    { method: 'DELETE', path: ONE, action: 'nfm:DeleteAccount', answer: managed(remove) },
  ];
}

type Answer = (deps: AccountRouteDeps, call: ExtensionCall) => Promise<object>;

async function list({ accounts }: AccountRouteDeps) {
  return { accounts: (await accounts.list()).map(accountMembers) };
}

async function create({ accounts }: AccountRouteDeps, { request }: ExtensionCall) {
  const members = new JsonMembers(request, ['account', 'description']);
  const account = required('account', members.accountId('account'));
  const description = members.text('description') ?? '';
  return accountMembers(await accounts.create(account, description));
}

async function update({ accounts }: AccountRouteDeps, call: ExtensionCall) {
  const members = new JsonMembers(call.request, ['status', 'description']);
  const status = members.choice('status', IDENTITY_STATUSES);
  if (status === 'DISABLED') refuseOwn(call, 'disabled');
  const change = { status, description: members.text('description') };
  return accountMembers(await accounts.update(labelOf(call, 'account'), change));
}

async function remove({ accounts, refuseInUse }: AccountRouteDeps, call: ExtensionCall) {
  refuseOwn(call, 'deleted');
  const account = labelOf(call, 'account');
  await refuseInUse(account);
  await accounts.delete(account);
  return {};
}

/**
 * Rejects a change of the management account itself. It could not undo the change, because its keys
 * would no longer work.
 */
function refuseOwn(call: ExtensionCall, participle: 'disabled' | 'deleted'): void {
  if (labelOf(call, 'account') !== call.principal.account) return;
  throw new ApiError('ConflictException', `An account cannot be ${participle} by its own key`);
}

function accountMembers({ createdAtMillis, ...account }: AccountDescription) {
  return { ...account, createdAt: new Date(createdAtMillis).toISOString() };
}
