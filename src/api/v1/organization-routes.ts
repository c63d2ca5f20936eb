import type { Accounts } from '../../auth/accounts.ts';
import type { Organization } from '../../control/organization.ts';
import { jsonAnswer } from '../json-answer.ts';
import { managementOnly } from './administration.ts';
import { type ExtensionCall, type ExtensionRoute, labelOf } from './extension-route.ts';
import { JsonMembers } from './json-members.ts';
import { required } from './read-value.ts';

export interface OrganizationRouteDeps {
  readonly organization: Organization;
  readonly accounts: Pick<Accounts, 'get'>;
}

const PATH = '/api/v1/organization';
const MEMBERS = `${PATH}/members`;
const ONE = `${MEMBERS}/{account}`;

/**
 * `/api/v1/organization`: the management account decides which accounts are members and which
 * members may have other accounts as targets. Every request answers with the organization.
 */
export function organizationRoutes(deps: OrganizationRouteDeps): readonly ExtensionRoute[] {
  const { organization } = deps;
  const after = (change?: Change) =>
    managementOnly(organization, 'the organization', async (call) => {
      await change?.(deps, call);
      return jsonAnswer(await describe(organization));
    });
  return [
    { method: 'GET', path: PATH, action: 'nfm:GetOrganization', answer: after() },
    { method: 'PATCH', path: PATH, action: 'nfm:UpdateOrganization', answer: after(handOver) },
    { method: 'POST', path: MEMBERS, action: 'nfm:CreateOrganizationMember', answer: after(add) },
    { method: 'PATCH', path: ONE, action: 'nfm:UpdateOrganizationMember', answer: after(delegate) },
    { method: 'DELETE', path: ONE, action: 'nfm:DeleteOrganizationMember', answer: after(remove) },
  ];
}

type Change = (deps: OrganizationRouteDeps, call: ExtensionCall) => Promise<void>;

async function handOver({ organization }: OrganizationRouteDeps, { request }: ExtensionCall) {
  const members = new JsonMembers(request, ['managementAccount']);
  const account = members.accountId('managementAccount');
  await organization.setManagementAccount(required('managementAccount', account));
}

async function add(deps: OrganizationRouteDeps, { request }: ExtensionCall) {
  const members = new JsonMembers(request, ['account']);
  const account = required('account', members.accountId('account'));
  await deps.accounts.get(account);
  await deps.organization.add(account);
}

async function delegate({ organization }: OrganizationRouteDeps, call: ExtensionCall) {
  const name = 'isDelegatedAdministrator';
  const isDelegated = required(name, new JsonMembers(call.request, [name]).flag(name));
  await organization.setDelegated(labelOf(call, 'account'), isDelegated);
}

async function remove({ organization }: OrganizationRouteDeps, call: ExtensionCall) {
  await organization.remove(labelOf(call, 'account'));
}

async function describe(organization: Organization) {
  const { managementAccount, members } = await organization.describe();
  return {
    managementAccount,
    members: members.map(({ joinedAtMillis, ...member }) => ({
      ...member,
      joinedAt: new Date(joinedAtMillis).toISOString(),
    })),
  };
}
