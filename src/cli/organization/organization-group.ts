import type { CommandCall, ExtensionRequest } from '../lib/command-call.ts';
import { type CliEntry, defineCommand, defineGroup } from '../lib/define-command.ts';
import { type Column, formatTable } from '../lib/format-table.ts';
import { argument } from '../lib/option.ts';
import { jsonOption } from '../lib/shared-options.ts';

interface Organization {
  readonly managementAccount: string;
  readonly members: readonly {
    readonly account: string;
    readonly isDelegatedAdministrator: boolean;
    readonly joinedAt: string;
  }[];
}

interface AccountRole {
  readonly account: string;
  readonly role: string;
  readonly joinedAt: string;
}

const PATH = '/organization';
const MEMBERS = `${PATH}/members`;
const COLUMNS: readonly Column<AccountRole>[] = [
  { title: 'ACCOUNT', value: ({ account }) => account },
  { title: 'ROLE', value: ({ role }) => role },
  { title: 'JOINED', value: ({ joinedAt }) => joinedAt },
];

const list = defineCommand({
  name: 'list',
  summary: 'list the accounts and their roles',
  options: [jsonOption],
  async run(call: CommandCall) {
    const answer = await call.request<Organization>({ method: 'GET', path: PATH });
    call.print(answer, () => formatTable(COLUMNS, rolesOf(answer)));
  },
});

function rolesOf({ managementAccount, members }: Organization): readonly AccountRole[] {
  return [
    { account: managementAccount, role: 'management', joinedAt: '' },
    ...members.map(({ account, isDelegatedAdministrator, joinedAt }) => ({
      account,
      role: isDelegatedAdministrator ? 'delegated administrator' : 'member',
      joinedAt,
    })),
  ];
}

interface Change {
  readonly name: string;
  readonly summary: string;
  readonly request: (account: string) => ExtensionRequest;
}

const memberPath = (account: string) => `${MEMBERS}/${encodeURIComponent(account)}`;

const setAdministrator = (isDelegatedAdministrator: boolean) => (account: string) => ({
  method: 'PATCH',
  path: memberPath(account),
  body: { isDelegatedAdministrator },
});

const CHANGES: readonly Change[] = [
  {
    name: 'add',
    summary: 'make an account a member',
    request: (account) => ({ method: 'POST', path: MEMBERS, body: { account } }),
  },
  {
    name: 'remove',
    summary: 'remove a member',
    request: (account) => ({ method: 'DELETE', path: memberPath(account) }),
  },
  {
    name: 'enable-administrator',
    summary: 'allow the scopes of a member to include other accounts',
    request: setAdministrator(true),
  },
  {
    name: 'disable-administrator',
    summary: 'restrict the scopes of a member to its own account',
    request: setAdministrator(false),
  },
  {
    name: 'hand-over',
    summary: 'make a member the management account',
    request: (managementAccount) => ({ method: 'PATCH', path: PATH, body: { managementAccount } }),
  },
];

function changeCommand({ name, summary, request }: Change): CliEntry {
  return defineCommand({
    name,
    summary,
    arguments: [argument('<account>', 'account ID, 12 digits')],
    async run(call: CommandCall, account: string) {
      call.printJson(await call.request(request(account)));
    },
  });
}

export const organizationGroup = defineGroup({
  name: 'organization',
  summary: 'manage the member accounts and which of them may have scopes over other accounts',
  commands: [list, ...CHANGES.map(changeCommand)],
});
