import type { Accounts } from '../../auth/accounts.ts';
import type { Organization } from '../../control/organization.ts';
import { mustManage } from './administration.ts';
import { type ExtensionCall, type ExtensionRoute, jsonAnswer } from './extension-route.ts';
import { Members } from './members.ts';
import { invalid } from './query-parameters.ts';

export interface OrganizationRouteDeps {
  readonly organization: Organization;
  readonly accounts: Pick<Accounts, 'get'>;
}

const PATH = '/api/v1/organization';
const MEMBERS = `${PATH}/members`;
const ONE = `${MEMBERS}/{account}`;

/** `/api/v1/organization`: who may look into whose account; for the management account. */
export function organizationRoutes(deps: OrganizationRouteDeps): readonly ExtensionRoute[] {
  const { organization, accounts } = deps;
  const change =
    (apply: (call: ExtensionCall) => Promise<void>): ExtensionRoute['answer'] =>
    async (call) => {
      await mustManage(organization, call.principal, 'the organization');
      await apply(call);
      return jsonAnswer(await describe(organization));
    };
  return [
    {
      method: 'GET',
      path: PATH,
      action: 'nfm:GetOrganization',
      answer: change(async () => {}),
    },
    {
      method: 'PATCH',
      path: PATH,
      action: 'nfm:UpdateOrganization',
      answer: change(async ({ request }) => {
        const members = new Members(request, ['managementAccount']);
        const account = members.account('managementAccount');
        if (account === undefined) throw invalid('managementAccount: is required, 12 digits');
        await organization.setManagementAccount(account);
      }),
    },
    {
      method: 'POST',
      path: MEMBERS,
      action: 'nfm:CreateOrganizationMember',
      answer: change(async ({ request }) => {
        const account = new Members(request, ['account']).account('account');
        if (account === undefined) throw invalid('account: is required, 12 digits');
        await accounts.get(account);
        await organization.add(account);
      }),
    },
    {
      method: 'PATCH',
      path: ONE,
      action: 'nfm:UpdateOrganizationMember',
      answer: change(async ({ request, labels }) => {
        const members = new Members(request, ['isDelegatedAdministrator']);
        const isDelegated = members.flag('isDelegatedAdministrator');
        if (isDelegated === undefined) throw invalid('isDelegatedAdministrator: is required');
        await organization.setDelegated(labels.account ?? '', isDelegated);
      }),
    },
    {
      method: 'DELETE',
      path: ONE,
      action: 'nfm:DeleteOrganizationMember',
      answer: change(({ labels }) => organization.remove(labels.account ?? '')),
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
