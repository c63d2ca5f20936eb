import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import { extensionApi, queryText } from './extension-api.ts';
import { type Column, formatTable, printable } from './format-table.ts';
import { wholeNumber } from './parse-options.ts';
import { printJson } from './print-json.ts';

const PATH = '/api/v1/topology';

interface Options {
  readonly at?: string;
  readonly network?: string;
  readonly kind?: string;
  readonly id?: string;
  readonly limit?: number;
  readonly json?: true;
}

/** The members of an answer that are text or absent. */
type Texts = Readonly<Record<string, string | undefined>>;

export function addTopologyCommands(program: Command, context: CliContext): void {
  const topology = program.command('topology').description('how the network is laid out');
  const ask = async (command: Command, target: string): Promise<unknown> =>
    extensionApi(context).request(command, { method: 'GET', target: `${PATH}/${target}` });
  const print = (answer: unknown, { json }: Options, text: () => string): void =>
    json === true ? printJson(context.out, answer) : context.out.write(text());

  topology
    .command('status')
    .description('what is known, from which sources, and what is wrong with it')
    .option('--json', 'print JSON')
    .action(async (options: Options, command: Command) => {
      const answer = (await ask(command, 'status')) as Status;
      print(answer, options, () => statusText(answer));
    });
  topology
    .command('show')
    .description('resources, and who says they are so')
    .option('--kind <kind>', 'only of this kind, such as subnet')
    .option('--id <id>', 'only this one')
    .option('--limit <n>', 'resources shown', wholeNumber(1, 1_000), 100)
    .option('--at <time>', 'as they were at an ISO 8601 time')
    .action(async ({ kind, id, limit, at }: Options, command: Command) => {
      const query = queryText({ kind, id, limit: String(limit), at });
      printJson(context.out, await ask(command, `show${query}`));
    });
  topology
    .command('lookup')
    .description('who has an address')
    .argument('<address>', 'IPv4 or IPv6')
    .option('--network <id>', 'only in this network')
    .option('--at <time>', 'who had it at an ISO 8601 time')
    .option('--json', 'print JSON')
    .action(async (address: string, options: Options, command: Command) => {
      const query = queryText({ address, network: options.network, at: options.at });
      const answer = (await ask(command, `lookup${query}`)) as { readonly found: readonly Texts[] };
      print(answer, options, () => formatTable(FOUND_COLUMNS, answer.found));
    });
  topology
    .command('path')
    .description('the way from one address to another, and back')
    .argument('<from>', 'IPv4 or IPv6')
    .argument('<to>', 'IPv4 or IPv6')
    .option('--network <id>', 'the network of the first, where several have it')
    .option('--at <time>', 'the way it was at an ISO 8601 time')
    .option('--json', 'print JSON')
    .action(async (...given: [from: string, to: string, Options, Command]) => {
      const [from, to, options, command] = given;
      const query = queryText({ from, to, network: options.network, at: options.at });
      const answer = (await ask(command, `path${query}`)) as Paths;
      print(answer, options, () => pathsText(answer));
    });
  topology
    .command('diff')
    .description('what changed between two times')
    .argument('<from>', 'ISO 8601 time')
    .argument('[to]', 'ISO 8601 time; now')
    .option('--kind <kind>', 'only of this kind')
    .option('--limit <n>', 'changes shown', wholeNumber(1, 1_000), 100)
    .option('--json', 'print JSON')
    .action(async (...given: [from: string, to: string | undefined, Options, Command]) => {
      const [from, to, options, command] = given;
      const { kind, limit } = options;
      const query = queryText({ from, to, kind, limit: String(limit) });
      const answer = (await ask(command, `diff${query}`)) as {
        readonly changes: readonly Change[];
      };
      print(answer, options, () => formatTable(CHANGE_COLUMNS, answer.changes));
    });
}

interface Status {
  readonly resources: Readonly<Record<string, number>>;
  readonly sources: readonly (Texts & { readonly resources: number })[];
  readonly warnings: readonly string[];
  readonly issues: {
    readonly counts: Readonly<Record<string, number>>;
    readonly named: readonly Texts[];
  };
}

/** A new server's: two empty tables would look like a fault. */
const ONLY_AGENTS = `Only agents so far, each of its own host; nfm topology lookup ADDRESS finds what they say.
More is known with --aws-topology, --kubernetes or --inventory of nfm server.
`;

function statusText({ resources, sources, warnings, issues }: Status): string {
  const kinds = Object.entries(resources).map(([kind, count]) => ({ kind, count: String(count) }));
  if (sources.length === 0) return ONLY_AGENTS;
  const parts = [
    formatTable(SOURCE_COLUMNS, sources),
    formatTable(KIND_COLUMNS, kinds),
    ...warnings.map((warning) => `warning: ${printable(warning)}\n`),
    issues.named.length === 0 ? '' : formatTable(ISSUE_COLUMNS, issues.named),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

const text =
  (name: string) =>
  (row: Texts): string =>
    String(row[name] ?? '');

const SOURCE_COLUMNS: readonly Column<Status['sources'][number]>[] = [
  { title: 'SOURCE', value: text('source') },
  { title: 'SLICE', value: text('slice') },
  { title: 'RESOURCES', align: 'right', value: ({ resources }) => String(resources) },
  { title: 'READ', value: text('lastSuccessAt') },
  { title: 'ERROR', value: text('error') },
];

const KIND_COLUMNS: readonly Column<Texts>[] = [
  { title: 'KIND', value: text('kind') },
  { title: 'COUNT', align: 'right', value: text('count') },
];

const ISSUE_COLUMNS: readonly Column<Texts>[] = [
  { title: 'ISSUE', value: text('message') },
  { title: 'RESOLVED', value: text('resolution') },
];

const FOUND_COLUMNS: readonly Column<Texts>[] = [
  { title: 'NETWORK', value: text('network') },
  { title: 'ACCOUNT', value: text('account') },
  { title: 'REGION', value: text('region') },
  { title: 'SUBNET', value: text('subnetId') },
  { title: 'ZONE', value: text('az') },
  { title: 'INTERFACE', value: text('interfaceId') },
  { title: 'INSTANCE', value: text('instanceId') },
  { title: 'SERVICE', value: text('service') },
];

interface Paths {
  readonly there: Route;
  readonly back?: Route;
}

interface Route {
  readonly constructs: readonly Texts[];
  readonly snatAddress: string;
  readonly dnatAddress: string;
}

function pathsText({ there, back }: Paths): string {
  const steps = formatTable(STEP_COLUMNS, there.constructs);
  const snat = there.snatAddress === '' ? '' : `\nleaves as ${there.snatAddress}\n`;
  const dnat = there.dnatAddress === '' ? '' : `\narrives at ${there.dnatAddress}\n`;
  if (back === undefined) return `${steps}${snat}${dnat}`;
  return `${steps}${snat}${dnat}\nand back:\n${formatTable(STEP_COLUMNS, back.constructs)}`;
}

const STEP_COLUMNS: readonly Column<Texts>[] = [
  { title: 'STEP', value: ({ componentId, serviceName }) => componentId ?? serviceName ?? '' },
  { title: 'TYPE', value: text('componentType') },
];

interface Change {
  readonly change: string;
  readonly kind: string;
  readonly id: string;
  readonly members: readonly string[];
}

const CHANGE_COLUMNS: readonly Column<Change>[] = [
  { title: 'CHANGE', value: ({ change }) => change },
  { title: 'KIND', value: ({ kind }) => kind },
  { title: 'ID', value: ({ id }) => id },
  { title: 'MEMBERS', value: ({ members }) => members.join(', ') },
];
