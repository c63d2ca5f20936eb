import type { AccessKeyDescription, AccessKeys, KeyPolicy } from '../../auth/access-keys.ts';
import type { Accounts } from '../../auth/accounts.ts';
import { parsePolicy } from '../../auth/policy-document.ts';
import { ApiError } from '../../model/api-error.ts';
import { IDENTITY_STATUSES, KEY_KINDS } from '../../model/owner.ts';
import { type Administration, mayAdminister } from './administration.ts';
import { type ExtensionCall, type ExtensionRoute, jsonAnswer } from './extension-route.ts';
import { Members } from './members.ts';
import { invalid, QueryParameters } from './query-parameters.ts';

export interface KeyRouteDeps {
  readonly keys: AccessKeys;
  readonly accounts: Pick<Accounts, 'get'>;
  readonly administration: Administration;
  /** Ends the console's sessions that a key opened. */
  readonly closeSessions: (accessKeyId: string) => void;
}

const PATH = '/api/v1/keys';
const ONE = `${PATH}/{accessKeyId}`;

/**
 * `/api/v1/keys`: access keys, of the caller's account, or of any for the management account. The
 * key that signed the request can be described but not changed: whoever administers keys always
 * keeps one that may.
 */
export function keyRoutes(deps: KeyRouteDeps): readonly ExtensionRoute[] {
  return [listRoute(deps), createRoute(deps), getRoute(deps), updateRoute(deps), deleteRoute(deps)];
}

function listRoute({ keys, administration }: KeyRouteDeps): ExtensionRoute {
  return {
    method: 'GET',
    path: PATH,
    action: 'nfm:ListKeys',
    answer: async ({ request, principal }) => {
      const account =
        new QueryParameters(request, ['account']).account('account') ?? principal.account;
      await mayAdminister(administration, principal, account);
      return jsonAnswer({ keys: (await keys.list(account)).map(keyMembers) });
    },
  };
}

function createRoute({ keys, accounts, administration }: KeyRouteDeps): ExtensionRoute {
  return {
    method: 'POST',
    path: PATH,
    action: 'nfm:CreateKey',
    answer: async ({ request, principal }) => {
      const members = new Members(request, ['account', 'kind', 'policy', 'description']);
      const account = members.account('account') ?? principal.account;
      await mayAdminister(administration, principal, account);
      const grant = readGrant(members);
      if (grant === undefined) throw invalid('kind: is required, or a policy');
      const description = members.text('description') ?? '';
      await accounts.get(account);
      const { accessKeyId, secretAccessKey } = await keys.create({ account, grant, description });
      const made = await keys.get(accessKeyId);
      if (made === undefined) throw gone(accessKeyId);
      return jsonAnswer({ ...keyMembers(made), secretAccessKey });
    },
  };
}

function getRoute(deps: KeyRouteDeps): ExtensionRoute {
  return {
    method: 'GET',
    path: ONE,
    action: 'nfm:GetKey',
    answer: async (call) => jsonAnswer(keyMembers(await keyOf(deps, call))),
  };
}

function updateRoute(deps: KeyRouteDeps): ExtensionRoute {
  return {
    method: 'PATCH',
    path: ONE,
    action: 'nfm:UpdateKey',
    answer: async (call) => {
      const { accessKeyId } = await keyOf(deps, call);
      const members = new Members(call.request, ['status', 'kind', 'policy', 'description']);
      const status = members.choice('status', IDENTITY_STATUSES);
      const grant = readGrant(members);
      if (status === 'DISABLED' || grant !== undefined) refuseOwn(call, 'disabled or restricted');
      const description = members.text('description');
      await deps.keys.update(accessKeyId, { status, grant, description });
      if (status === 'DISABLED') deps.closeSessions(accessKeyId);
      return jsonAnswer(keyMembers(await keyOf(deps, call)));
    },
  };
}

function deleteRoute(deps: KeyRouteDeps): ExtensionRoute {
  return {
    method: 'DELETE',
    path: ONE,
    action: 'nfm:DeleteKey',
    answer: async (call) => {
      const { account, accessKeyId } = await keyOf(deps, call);
      refuseOwn(call, 'deleted');
      await deps.keys.delete(account, accessKeyId);
      deps.closeSessions(accessKeyId);
      return jsonAnswer({});
    },
  };
}

/** Another account's key is as unknown as one that does not exist. */
async function keyOf(
  { keys, administration }: KeyRouteDeps,
  { principal, labels }: ExtensionCall,
): Promise<AccessKeyDescription> {
  const key = await keys.get(labels.accessKeyId ?? '');
  const isOwn = key?.account === principal.account;
  if (key !== undefined && (isOwn || (await administration.isManagementAccount(principal.account))))
    return key;
  throw gone(labels.accessKeyId ?? '');
}

function gone(accessKeyId: string): ApiError {
  return new ApiError('ResourceNotFoundException', `Access key ${accessKeyId} does not exist`);
}

function refuseOwn({ principal, labels }: ExtensionCall, participle: string): void {
  if (labels.accessKeyId !== principal.accessKeyId) return;
  const message = `The key that signs the request cannot be ${participle}: use another key`;
  throw new ApiError('ConflictException', message);
}

/** What the key may do: a ready policy by its kind, or a document. Undefined when neither is given. */
function readGrant(members: Members): KeyPolicy | undefined {
  const kind = members.choice('kind', KEY_KINDS);
  const policy = members.raw('policy');
  if (kind === undefined && policy === undefined) return undefined;
  if (kind === undefined || kind === 'custom') {
    if (policy === undefined) throw invalid('policy: is required for a key of kind custom');
    return { kind: 'custom', policy: parsePolicy(policy) };
  }
  if (policy !== undefined) throw invalid(`policy: is not taken, as kind ${kind} has its own`);
  return { kind };
}

function keyMembers({ createdAtMillis, ...key }: AccessKeyDescription) {
  return { ...key, createdAt: new Date(createdAtMillis).toISOString() };
}
