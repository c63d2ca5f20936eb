import type { AccessKeyDescription, AccessKeys, KeyPolicy } from '../../auth/access-keys.ts';
import type { Accounts } from '../../auth/accounts.ts';
import { uncoveredPart } from '../../auth/policy-cover.ts';
import { parsePolicy } from '../../auth/policy-document.ts';
import { ApiError, invalid } from '../../model/api-error.ts';
import { IDENTITY_STATUSES, KEY_KINDS } from '../../model/owner.ts';
import { jsonAnswer } from '../json-answer.ts';
import { type Administration, mayAdminister } from './administration.ts';
import { type ExtensionCall, type ExtensionRoute, labelOf } from './extension-route.ts';
import { JsonMembers } from './json-members.ts';
import { QueryParameters } from './query-parameters.ts';

export interface KeyRouteDeps {
  readonly keys: AccessKeys;
  readonly accounts: Pick<Accounts, 'get'>;
  readonly administration: Administration;
  /** Ends the console sessions that the key opened. */
  readonly closeSessions: (accessKeyId: string) => void;
}

const PATH = '/api/v1/keys';
const ONE = `${PATH}/{accessKeyId}`;

/**
 * `/api/v1/keys`: the access keys of the caller's account; the management account may name any
 * account. The signing key cannot disable, restrict or delete itself, so an account always keeps a
 * key that may administer keys. It can grant another key no more than it is allowed itself.
 */
export function keyRoutes(deps: KeyRouteDeps): readonly ExtensionRoute[] {
  const json = (answer: Answer) => async (call: ExtensionCall) =>
    jsonAnswer(await answer(deps, call));
  return [
    { method: 'GET', path: PATH, action: 'nfm:ListKeys', answer: json(list) },
    { method: 'POST', path: PATH, action: 'nfm:CreateKey', answer: json(create) },
    { method: 'GET', path: ONE, action: 'nfm:GetKey', answer: json(get) },
    { method: 'PATCH', path: ONE, action: 'nfm:UpdateKey', answer: json(update) },
    { method: 'DELETE', path: ONE, action: 'nfm:DeleteKey', answer: json(remove) },
  ];
}

type Answer = (deps: KeyRouteDeps, call: ExtensionCall) => Promise<object>;

async function list({ keys, administration }: KeyRouteDeps, call: ExtensionCall) {
  const { request, principal } = call;
  const parameters = new QueryParameters(request, ['account']);
  const account = parameters.accountId('account') ?? principal.account;
  await mayAdminister(administration, principal, account);
  return { keys: (await keys.list(account)).map(keyMembers) };
}

async function create({ keys, accounts, administration }: KeyRouteDeps, call: ExtensionCall) {
  const { request, principal } = call;
  const members = new JsonMembers(request, ['account', 'kind', 'policy', 'description']);
  const account = members.accountId('account') ?? principal.account;
  await mayAdminister(administration, principal, account);
  const grant = readGrant(members);
  if (grant === undefined) throw invalid('kind or policy is required');
  refuseMore(call, grant);
  const description = members.text('description') ?? '';
  await accounts.get(account);
  const { accessKeyId, secretAccessKey } = await keys.create({ account, grant, description });
  const created = await keys.get(accessKeyId);
  if (created === undefined) throw notFound(accessKeyId);
  return { ...keyMembers(created), secretAccessKey };
}

async function get(deps: KeyRouteDeps, call: ExtensionCall) {
  return keyMembers(await findKey(deps, call));
}

async function update(deps: KeyRouteDeps, call: ExtensionCall) {
  const { accessKeyId, ...before } = await findKey(deps, call);
  const members = new JsonMembers(call.request, ['status', 'kind', 'policy', 'description']);
  const status = members.choice('status', IDENTITY_STATUSES);
  const grant = readGrant(members);
  if (status === 'DISABLED' || grant !== undefined) refuseOwn(call, 'disabled or restricted');
  const isEnabled = status !== undefined && status !== 'DISABLED' && before.status === 'DISABLED';
  if (grant !== undefined) refuseMore(call, grant);
  else if (isEnabled) refuseMore(call, grantOf(before));
  const description = members.text('description');
  await deps.keys.update(accessKeyId, { status, grant, description });
  if (status === 'DISABLED') deps.closeSessions(accessKeyId);
  return keyMembers(await findKey(deps, call));
}

async function remove(deps: KeyRouteDeps, call: ExtensionCall) {
  const { account, accessKeyId } = await findKey(deps, call);
  refuseOwn(call, 'deleted');
  await deps.keys.delete(account, accessKeyId);
  deps.closeSessions(accessKeyId);
  return {};
}

/**
 * Finds the key in the path. To any but the management account, a key of another account seems
 * not to exist.
 */
async function findKey(
  { keys, administration }: KeyRouteDeps,
  call: ExtensionCall,
): Promise<AccessKeyDescription> {
  const accessKeyId = labelOf(call, 'accessKeyId');
  const key = await keys.get(accessKeyId);
  if (key === undefined) throw notFound(accessKeyId);
  const { account } = call.principal;
  if (key.account === account || (await administration.isManagementAccount(account))) return key;
  throw notFound(accessKeyId);
}

function notFound(accessKeyId: string): ApiError {
  return new ApiError('ResourceNotFoundException', `Access key ${accessKeyId} does not exist`);
}

function refuseOwn(call: ExtensionCall, participle: string): void {
  if (labelOf(call, 'accessKeyId') !== call.principal.accessKeyId) return;
  const message = `The key that signs the request cannot be ${participle}: use another key`;
  throw new ApiError('ConflictException', message);
}

/** Rejects a grant unless the caller's policy certainly includes it. */
function refuseMore({ principal }: ExtensionCall, grant: KeyPolicy): void {
  const part = uncoveredPart(principal, grant);
  if (part === undefined) return;
  throw new ApiError(
    'AccessDeniedException',
    `A key may allow only what the key that signs is allowed in one statement, which does not include ${part}`,
  );
}

function grantOf({ kind, policy }: Pick<AccessKeyDescription, 'kind' | 'policy'>): KeyPolicy {
  if (kind !== 'custom') return { kind };
  return { kind, policy: parsePolicy(policy) };
}

/** Reads the policy of a key: a built-in one by `kind`, or a document. Undefined without either. */
function readGrant(members: JsonMembers): KeyPolicy | undefined {
  const kind = members.choice('kind', KEY_KINDS);
  const policy = members.raw('policy');
  if (kind === undefined && policy === undefined) return undefined;
  if (kind === undefined || kind === 'custom') {
    if (policy === undefined) throw invalid('policy is required for a key of kind custom');
    return { kind: 'custom', policy: parsePolicy(policy) };
  }
  if (policy !== undefined) throw invalid(`policy must be absent: kind ${kind} has its own policy`);
  return { kind };
}

function keyMembers({ createdAtMillis, ...key }: AccessKeyDescription) {
  return { ...key, createdAt: new Date(createdAtMillis).toISOString() };
}
