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
  const { organization, accounts } = deps;
  const answer = (apply?: (call: ExtensionCall) => Promise<void>) =>
    managementOnly(organization, 'the organization', async (call) => {
      await apply?.(call);
      return jsonAnswer(await describe(organization));
    });
  return [
    { method: 'GET', path: PATH, action: 'nfm:GetOrganization', answer: answer() },
    {
      method: 'PATCH',
      path: PATH,
      action: 'nfm:UpdateOrganization',
      answer: answer(async ({ request }) => {
        const members = new JsonMembers(request, ['managementAccount']);
        const account = members.accountId('managementAccount');
        await organization.setManagementAccount(required('managementAccount', account));
      }),
    },
    {
      method: 'POST',
      path: MEMBERS,
      action: 'nfm:CreateOrganizationMember',
      answer: answer(async ({ request }) => {
        const members = new JsonMembers(request, ['account']);
        const account = required('account', members.accountId('account'));
        await accounts.get(account);
        await organization.add(account);
      }),
    },
    {
      method: 'PATCH',
      path: ONE,
      action: 'nfm:UpdateOrganizationMember',
      answer: answer(async (call) => {
        const members = new JsonMembers(call.request, ['isDelegatedAdministrator']);
        const flag = members.flag('isDelegatedAdministrator');
        const isDelegated = required('isDelegatedAdministrator', flag);
        await organization.setDelegated(labelOf(call, 'account'), isDelegated);
      }),
    },
    {
      method: 'DELETE',
      path: ONE,
      action: 'nfm:DeleteOrganizationMember',
      answer: answer((call) => organization.remove(labelOf(call, 'account'))),
    },
  ];
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
