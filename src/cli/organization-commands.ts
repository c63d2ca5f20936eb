import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import { extensionApi } from './extension-api.ts';
import { formatTable } from './format-table.ts';
import { printJson } from './print-json.ts';

interface Described {
  readonly managementAccount: string;
  readonly members: readonly {
    readonly account: string;
    readonly isDelegatedAdministrator: boolean;
    readonly joinedAt: string;
  }[];
}

interface Row {
  readonly account: string;
  readonly role: string;
  readonly joinedAt: string;
}

const PATH = '/api/v1/organization';
const MEMBERS = `${PATH}/members`;

export function addOrganizationCommands(program: Command, context: CliContext): void {
  const organization = program
    .command('organization')
    .description('whose scopes may have targets of which accounts');
  organization
    .command('list')
    .description('its accounts and what they are')
    .option('--json', 'print JSON')
    .action(async (options: { readonly json?: true }, command: Command) => {
      const request = { method: 'GET', target: PATH };
      const answer = (await extensionApi(context).request(command, request)) as Described;
      if (options.json === true) return printJson(context.out, answer);
      return context.out.write(formatTable(COLUMNS, rowsOf(answer)));
    });
  for (const { name, description, request } of CHANGES) {
    organization
      .command(name)
      .description(description)
      .argument('<account>', '12 digits')
      .action(async (account: string, _, command: Command) => {
        await extensionApi(context).print(command, request(account));
      });
  }
}

const pathOf = (account: string) => `${MEMBERS}/${encodeURIComponent(account)}`;

const delegated = (isDelegatedAdministrator: boolean) => (account: string) => ({
  method: 'PATCH',
  target: pathOf(account),
  body: { isDelegatedAdministrator },
});

const CHANGES = [
  {
    name: 'add',
    description: 'make an account a member',
    request: (account: string) => ({ method: 'POST', target: MEMBERS, body: { account } }),
  },
  {
    name: 'remove',
    description: 'take a member out',
    request: (account: string) => ({ method: 'DELETE', target: pathOf(account) }),
  },
  {
    name: 'enable-administrator',
    description: "let a member's scopes have targets of other accounts",
    request: delegated(true),
  },
  {
    name: 'disable-administrator',
    description: "a member's scopes have targets of its own only",
    request: delegated(false),
  },
  {
    name: 'hand-over',
    description: 'make a member the management account',
    request: (managementAccount: string) => ({
      method: 'PATCH',
      target: PATH,
      body: { managementAccount },
    }),
  },
];

const COLUMNS = [
  { title: 'ACCOUNT', value: ({ account }: Row) => account },
  { title: 'ROLE', value: ({ role }: Row) => role },
  { title: 'JOINED', value: ({ joinedAt }: Row) => joinedAt },
];

function rowsOf({ managementAccount, members }: Described): readonly Row[] {
  return [
    { account: managementAccount, role: 'management', joinedAt: '' },
    ...members.map(({ account, isDelegatedAdministrator, joinedAt }) => ({
      account,
      role: isDelegatedAdministrator ? 'delegated administrator' : 'member',
      joinedAt,
    })),
  ];
}
