import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import { extensionApi } from './extension-api.ts';
import { formatTable } from './format-table.ts';
import { printJson } from './print-json.ts';

interface Account {
  readonly account: string;
  readonly status: string;
  readonly description: string;
  readonly accessKeys: number;
  readonly createdAt: string;
}

const PATH = '/api/v1/accounts';

export function addAccountCommands(program: Command, context: CliContext): void {
  const account = program.command('account').description('accounts of this installation');
  const { request, print } = extensionApi(context);
  account
    .command('list')
    .description('all accounts')
    .option('--json', 'print JSON')
    .action(async (options: { readonly json?: true }, command: Command) => {
      const answer = await request(command, { method: 'GET', target: PATH });
      const { accounts } = answer as { readonly accounts: readonly Account[] };
      if (options.json === true) return printJson(context.out, accounts);
      return context.out.write(formatTable(COLUMNS, accounts));
    });
  account
    .command('create')
    .description('make an account')
    .argument('<account>', '12 digits')
    .option('--description <text>', 'what it is for')
    .action(async (number: string, { description }: Described, command: Command) => {
      const body = { account: number, description };
      await print(command, { method: 'POST', target: PATH, body });
    });
  for (const [name, status, description] of STATUS_COMMANDS) {
    account
      .command(name)
      .description(description)
      .argument('<account>')
      .action(async (number: string, _, command: Command) => {
        const target = `${PATH}/${encodeURIComponent(number)}`;
        await print(command, { method: 'PATCH', target, body: { status } });
      });
  }
  account
    .command('delete')
    .description('delete an account without keys and scopes')
    .argument('<account>')
    .action(async (number: string, _, command: Command) => {
      const target = `${PATH}/${encodeURIComponent(number)}`;
      await request(command, { method: 'DELETE', target });
    });
}

interface Described {
  readonly description?: string;
}

const STATUS_COMMANDS = [
  ['enable', 'ENABLED', 'take its keys again'],
  ['disable', 'DISABLED', 'refuse all its keys'],
] as const;

const COLUMNS = [
  { title: 'ACCOUNT', value: ({ account }: Account) => account },
  { title: 'STATUS', value: ({ status }: Account) => status },
  { title: 'KEYS', align: 'right', value: ({ accessKeys }: Account) => String(accessKeys) },
  { title: 'CREATED', value: ({ createdAt }: Account) => createdAt },
  { title: 'DESCRIPTION', value: ({ description }: Account) => description },
] as const;
