import type { Command } from 'commander';
import { collect } from '../client/collect.ts';
import type { NetworkFlowMonitorClient } from '../client/network-flow-monitor-client.ts';
import { waitUntilScopeSucceeded } from '../client/waiters.ts';
import type { InputOf } from '../contract/types.ts';
import { CliError } from './cli-error.ts';
import { DEFAULT_ACCOUNT } from './config.ts';
import type { CliContext, GlobalOptions } from './context.ts';
import { formatTable } from './format-table.ts';
import { type AccountTarget, collectTag, collectTarget, type Tags } from './parse-options.ts';
import { printJson } from './print-json.ts';

/** The most a scope's first topology may take; AWS says 20 to 30 minutes for its own. */
const SCOPE_WAIT_SECONDS = 1800;

interface CreateOptions extends GlobalOptions {
  readonly target?: readonly AccountTarget[];
  readonly tag?: Tags;
  readonly clientToken?: string;
  readonly wait?: true;
}

export function addScopeCommands(program: Command, context: CliContext): void {
  const scope = program.command('scope').description('whose flows are watched');
  addCreate(scope, context);
  scope
    .command('get')
    .description("a scope's status and targets")
    .argument('[scopeId]', 'the only scope unless given')
    .action(async (scopeId: string | undefined, _, command: Command) => {
      const client = context.connect(command.optsWithGlobals());
      printJson(context.out, await client.getScope({ scopeId: await scopeIdOr(client, scopeId) }));
    });
  addList(scope, context);
  addUpdate(scope, context);
  scope
    .command('delete')
    .description('forget a scope; its monitors must be gone')
    .argument('<scopeId>')
    .action(async (scopeId: string, _, command: Command) => {
      await context.connect(command.optsWithGlobals()).deleteScope({ scopeId });
    });
}

function addCreate(scope: Command, context: CliContext): void {
  scope
    .command('create')
    .description('watch the flows of accounts in Regions')
    .option(
      '--target <account[@region]>',
      `account to watch, repeatable (default: ${DEFAULT_ACCOUNT})`,
      collectTarget,
    )
    .option('--tag <key=value>', 'tag, repeatable', collectTag)
    .option('--client-token <token>', 'makes repeating the command safe')
    .option('--wait', 'wait until its status is SUCCEEDED')
    .action(async (options: CreateOptions, command: Command) => {
      const client = context.connect(command.optsWithGlobals());
      const created = await client.createScope(
        createInput(options, command.optsWithGlobals<GlobalOptions>().region),
      );
      if (options.wait !== true) return printJson(context.out, created);
      const waiter = { ...context, client, maxWaitSeconds: SCOPE_WAIT_SECONDS };
      return printJson(context.out, await waitUntilScopeSucceeded(waiter, created));
    });
}

interface UpdateOptions {
  readonly add?: readonly AccountTarget[];
  readonly delete?: readonly AccountTarget[];
  readonly wait?: true;
}

function addUpdate(scope: Command, context: CliContext): void {
  scope
    .command('update')
    .description('watch more or fewer accounts and Regions')
    .argument('[scopeId]', 'the only scope unless given')
    .option('--add <account[@region]>', 'account to watch, repeatable', collectTarget)
    .option('--delete <account[@region]>', 'account to watch no longer, repeatable', collectTarget)
    .option('--wait', 'wait until its status is SUCCEEDED')
    .action(async (given: string | undefined, options: UpdateOptions, command: Command) => {
      const { region } = command.optsWithGlobals<GlobalOptions>();
      const client = context.connect(command.optsWithGlobals());
      const scopeId = await scopeIdOr(client, given);
      const updated = await client.updateScope({
        scopeId,
        resourcesToAdd: options.add?.map((target) => targetResource(target, region)),
        resourcesToDelete: options.delete?.map((target) => targetResource(target, region)),
      });
      if (options.wait !== true) return printJson(context.out, updated);
      const waiter = { ...context, client, maxWaitSeconds: SCOPE_WAIT_SECONDS };
      return printJson(context.out, await waitUntilScopeSucceeded(waiter, { scopeId }));
    });
}

function createInput(options: CreateOptions, region: string): InputOf<'CreateScope'> {
  const targets = options.target ?? [{ account: DEFAULT_ACCOUNT }];
  return {
    targets: targets.map((target) => targetResource(target, region)),
    tags: options.tag,
    clientToken: options.clientToken,
  };
}

function targetResource(
  target: AccountTarget,
  region: string,
): InputOf<'CreateScope'>['targets'][number] {
  return {
    targetIdentifier: { targetId: { accountId: target.account }, targetType: 'ACCOUNT' },
    region: target.region ?? region,
  };
}

function addList(scope: Command, context: CliContext): void {
  scope
    .command('list')
    .description('the scopes of the account and Region')
    .option('--json', 'print JSON')
    .action(async (options: { readonly json?: true }, command: Command) => {
      const client = context.connect(command.optsWithGlobals());
      const scopes = await collect(client.items('ListScopes', {}));
      if (options.json === true) return printJson(context.out, scopes);
      const columns = [
        { title: 'SCOPE ID', value: (row: (typeof scopes)[number]) => row.scopeId },
        { title: 'STATUS', value: (row: (typeof scopes)[number]) => row.status },
        { title: 'ARN', value: (row: (typeof scopes)[number]) => row.scopeArn },
      ];
      return context.out.write(formatTable(columns, scopes));
    });
}

/** The scope named, or the only one there can be in an account and Region. */
export async function scopeIdOr(
  client: NetworkFlowMonitorClient,
  given: string | undefined,
): Promise<string> {
  return given ?? (await onlyScope(client)).scopeId;
}

export async function onlyScope(client: NetworkFlowMonitorClient) {
  const { scopes } = await client.listScopes();
  const [scope] = scopes;
  if (scope === undefined) {
    throw new CliError('there is no scope in this account and Region yet: run nfm scope create');
  }
  return scope;
}
