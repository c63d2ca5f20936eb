import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand, defineGroup } from '../lib/define-command.ts';
import type { Column } from '../lib/format-table.ts';
import { argument, option } from '../lib/option.ts';
import { jsonOption } from '../lib/shared-options.ts';

interface Account {
  readonly account: string;
  readonly status: string;
  readonly description: string;
  readonly accessKeys: number;
  readonly createdAt: string;
}

const PATH = '/accounts';
const COLUMNS: readonly Column<Account>[] = [
  { title: 'ACCOUNT', value: ({ account }) => account },
  { title: 'STATUS', value: ({ status }) => status },
  { title: 'KEYS', align: 'right', value: ({ accessKeys }) => String(accessKeys) },
  { title: 'CREATED', value: ({ createdAt }) => createdAt },
  { title: 'DESCRIPTION', value: ({ description }) => description },
];

const accountArgument = argument('<account>', 'account ID, 12 digits');

const list = defineCommand({
  name: 'list',
  summary: 'list all accounts',
  options: [jsonOption],
  async run(call: CommandCall) {
    const answer = await call.request<{ readonly accounts: readonly Account[] }>({
      method: 'GET',
      path: PATH,
    });
    call.printRows(COLUMNS, answer.accounts);
  },
});

const create = defineCommand({
  name: 'create',
  summary: 'create an account',
  arguments: [accountArgument],
  options: [option('--description <text>', 'purpose of the account')],
  async run(call: CommandCall<{ readonly description?: string }>, account: string) {
    const { description } = call.options;
    const body = { account, description };
    call.printJson(await call.request({ method: 'POST', path: PATH, body }));
  },
});

const remove = defineCommand({
  name: 'delete',
  summary: 'delete an account that has no keys and no scopes',
  arguments: [accountArgument],
  async run(call: CommandCall, account: string) {
    await call.request({ method: 'DELETE', path: pathOf(account) });
  },
});

function statusCommand(name: string, status: string, summary: string) {
  return defineCommand({
    name,
    summary,
    arguments: [accountArgument],
    async run(call: CommandCall, account: string) {
      const body = { status };
      call.printJson(await call.request({ method: 'PATCH', path: pathOf(account), body }));
    },
  });
}

function pathOf(account: string): string {
  return `${PATH}/${encodeURIComponent(account)}`;
}

export const accountGroup = defineGroup({
  name: 'account',
  summary: 'manage the accounts of this installation',
  commands: [
    list,
    create,
    statusCommand('enable', 'ENABLED', 'accept the keys of an account again'),
    statusCommand('disable', 'DISABLED', 'reject all keys of an account'),
    remove,
  ],
});
