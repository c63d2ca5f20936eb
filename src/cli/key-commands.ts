import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { CliError } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { extensionApi, queryText } from './extension-api.ts';
import { formatTable } from './format-table.ts';
import { printJson } from './print-json.ts';

interface Key {
  readonly accessKeyId: string;
  readonly account: string;
  readonly kind: string;
  readonly status: string;
  readonly description: string;
  readonly createdAt: string;
}

interface ListOptions {
  readonly account?: string;
  readonly json?: true;
}

interface GrantOptions {
  readonly kind?: string;
  readonly policy?: string;
}

interface CreateOptions extends GrantOptions {
  readonly account?: string;
  readonly description?: string;
}

const PATH = '/api/v1/keys';
const KIND = 'ready policy: admin, read or agent (may only publish)';
const POLICY = 'JSON file of a policy as IAM writes them';

export function addKeyCommands(program: Command, context: CliContext): void {
  const key = program.command('key').description('access keys and what they may do');
  addList(key, context);
  addCreate(key, context);
  addGet(key, context);
  addPolicy(key, context);
  addStatuses(key, context);
  addDelete(key, context);
}

function addList(key: Command, context: CliContext): void {
  key
    .command('list')
    .description('the keys of the account')
    .option('--account <account>', 'another account; for the management account')
    .option('--json', 'print JSON')
    .action(async ({ account, json }: ListOptions, command: Command) => {
      const target = PATH + queryText({ account });
      const answer = await extensionApi(context).request(command, { method: 'GET', target });
      const { keys } = answer as { readonly keys: readonly Key[] };
      if (json === true) return printJson(context.out, keys);
      return context.out.write(formatTable(COLUMNS, keys));
    });
}

function addCreate(key: Command, context: CliContext): void {
  key
    .command('create')
    .description('make a key; its secret is shown this once')
    .option('--kind <kind>', KIND)
    .option('--policy <file>', POLICY)
    .option('--account <account>', 'another account; for the management account')
    .option('--description <text>', 'what it is for')
    .action(async ({ account, description, ...options }: CreateOptions, command: Command) => {
      const body = { account, description, ...(await readGrant(options)) };
      await extensionApi(context).print(command, { method: 'POST', target: PATH, body });
    });
}

function addGet(key: Command, context: CliContext): void {
  key
    .command('get')
    .description('a key with its policy, without its secret')
    .argument('<accessKeyId>')
    .action(async (id: string, _, command: Command) => {
      await extensionApi(context).print(command, { method: 'GET', target: pathOf(id) });
    });
}

function addPolicy(key: Command, context: CliContext): void {
  key
    .command('policy')
    .description('change what a key may do')
    .argument('<accessKeyId>')
    .option('--kind <kind>', KIND)
    .option('--policy <file>', POLICY)
    .action(async (id: string, options: GrantOptions, command: Command) => {
      const body = await readGrant(options);
      await extensionApi(context).print(command, { method: 'PATCH', target: pathOf(id), body });
    });
}

function addStatuses(key: Command, context: CliContext): void {
  for (const [name, status, description] of STATUS_COMMANDS) {
    key
      .command(name)
      .description(description)
      .argument('<accessKeyId>')
      .action(async (id: string, _, command: Command) => {
        const request = { method: 'PATCH', target: pathOf(id), body: { status } };
        await extensionApi(context).print(command, request);
      });
  }
}

function addDelete(key: Command, context: CliContext): void {
  key
    .command('delete')
    .description('delete a key for good')
    .argument('<accessKeyId>')
    .action(async (id: string, _, command: Command) => {
      await extensionApi(context).request(command, { method: 'DELETE', target: pathOf(id) });
    });
}

const STATUS_COMMANDS = [
  ['enable', 'ENABLED', 'take requests signed with it again'],
  ['disable', 'DISABLED', 'refuse requests signed with it'],
] as const;

const COLUMNS = [
  { title: 'ACCESS KEY', value: ({ accessKeyId }: Key) => accessKeyId },
  { title: 'KIND', value: ({ kind }: Key) => kind },
  { title: 'STATUS', value: ({ status }: Key) => status },
  { title: 'CREATED', value: ({ createdAt }: Key) => createdAt },
  { title: 'DESCRIPTION', value: ({ description }: Key) => description },
];

function pathOf(accessKeyId: string): string {
  return `${PATH}/${encodeURIComponent(accessKeyId)}`;
}

/** A kind, or the policy in a file. */
async function readGrant({ kind, policy: file }: GrantOptions) {
  if ((kind === undefined) === (file === undefined)) {
    throw new CliError('give either --kind or --policy');
  }
  return file === undefined ? { kind } : { policy: await readJsonFile(file) };
}

async function readJsonFile(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(`--policy ${path}: ${reason}`, { cause });
  }
}
