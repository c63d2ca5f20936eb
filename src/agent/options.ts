import { Command, CommanderError } from 'commander';
import { agentBuild } from './agent-build.ts';
import {
  type AgentOption,
  choiceOption,
  commanderOption,
  flagOption,
  integerOption,
  optionValue,
  referenceRow,
  switchOption,
  textOption,
  textOptionOr,
  urlOption,
} from './agent-option.ts';
import { COLLECTORS } from './kernel/choose-source.ts';

/** The zone when neither `--zone` nor a metadata service names one. */
export const DEFAULT_ZONE = 'use1-az1';

const DEFAULT_SPOOL_MIB = 64;

/**
 * The options, in the order of the help and of docs/reference/agent.md. Names, short forms, values
 * and ranges are the existing open agent's, except for those marked `isOurs`.
 */
const OPTIONS = {
  endpoint: urlOption({
    flags: '-e, --endpoint <url>',
    help: 'URL to which reports are posted',
    note: 'with its path (`/publish`); required unless `--print`, `--open-metrics on` or `--publish-reports off` is given',
  }),
  region: textOptionOr('us-east-1', {
    flags: '-r, --endpoint-region <region>',
    help: 'Region for which reports are signed and stored',
    isEmptyDefault: true,
  }),
  print: flagOption({
    flags: '--print',
    help: 'print each report as a line of JSON; no endpoint is needed',
    note: 'values by their names, unknown ones left out, 64-bit times as text',
    isOurs: true,
  }),
  publishMillis: integerOption({
    flags: '-s, --publish-secs <n>',
    help: 'seconds between two reports',
    range: [1, 600],
    fallback: 30,
    factor: 1_000,
  }),
  jitterMillis: integerOption({
    flags: '-j, --jitter-secs <n>',
    help: 'seconds by which that interval varies',
    note: 'either way; a window lasts at least a second',
    range: [0, 600],
    fallback: 5,
    factor: 1_000,
  }),
  aggregateMillis: integerOption({
    flags: '-a, --aggregate-msecs <n>',
    help: 'longest time in ms between two readings of closed connections',
    note: "the agent reads sooner when many close; the existing agent's default is 500",
    range: [100, 60_000],
    fallback: 100,
  }),
  topK: integerOption({
    flags: '-t, --top-k <n>',
    help: 'largest number of flows in a report',
    note: 'the flows with most loss',
    range: [1, 65_536],
    fallback: 500,
  }),
  notrackMillis: integerOption({
    flags: '-v, --notrack-secs <n>',
    help: 'seconds after which an idle connection is left out',
    range: [1, 600],
    fallback: 65,
    factor: 1_000,
  }),
  cgroup: textOption({
    flags: '-c, --cgroup <path>',
    help: 'cgroup v2 folder whose connections are watched',
    fallbackText: 'where cgroup v2 is mounted',
  }),
  collector: choiceOption(COLLECTORS, {
    flags: '--collector <kind>',
    help: 'source of connection statistics',
    note: '[what each can know](agent-collection.md)',
    isOurs: true,
  }),
  compression: choiceOption(['gzip', 'none'], {
    flags: '-z, --report-compression <kind>',
    help: 'compression of reports',
  }),
  usageData: switchOption('on', {
    flags: '-u, --usage-data <on|off>',
    help: 'report the CPU and memory of the agent itself',
  }),
  logReports: switchOption('off', {
    flags: '-l, --log-reports <on|off>',
    help: 'print each report, as --print does',
  }),
  publishReports: switchOption('on', {
    flags: '-p, --publish-reports <on|off>',
    help: 'send reports',
  }),
  openMetrics: switchOption('off', {
    flags: '--open-metrics <on|off>',
    help: 'serve GET /metrics',
  }),
  openMetricsPort: integerOption({
    flags: '--open-metrics-port <n>',
    help: 'port of GET /metrics',
    note: "the existing agent's default is 80",
    range: [1, 65_535],
    fallback: 9109,
  }),
  openMetricsAddress: textOptionOr('127.0.0.1', {
    flags: '--open-metrics-address <address>',
    help: 'address of GET /metrics',
  }),
  kubernetesMetadata: switchOption('off', {
    flags: '-k, --kubernetes-metadata <on|off>',
    help: 'name the pods of this node and their services',
    note: 'in a pod with `K8S_NODE_NAME`; of several services that select a pod the first by name, in at most 64 namespaces',
  }),
  resolveNat: switchOption('off', {
    flags: '-n, --resolve-nat <on|off>',
    help: "report the addresses beyond this host's address translation",
  }),
  proxy: urlOption({
    flags: '-x, --proxy <url>',
    help: 'proxy to the endpoint and to AWS',
    note: "the environment's proxy is not used for this host",
    fallbackText: 'HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY',
    isEmptyNone: true,
  }),
  caFile: textOption({
    flags: '--ca-file <path>',
    help: 'PEM file of certificates to trust instead of the built-in ones',
    fallbackText: 'AWS_CA_BUNDLE, SSL_CERT_FILE',
    isOurs: true,
  }),
  spoolFolder: textOption({
    flags: '--spool-dir <path>',
    help: 'folder in which reports wait while the endpoint is unreachable',
    note: 'without it the newest 20 wait in memory',
    isOurs: true,
  }),
  spoolMib: integerOption({
    flags: '--spool-mib <n>',
    help: 'MiB that waiting reports may take (0: no spool)',
    range: [0, 65_536],
    fallback: DEFAULT_SPOOL_MIB,
    isOurs: true,
  }),
  instanceId: textOption({
    flags: '--instance-id <id>',
    help: 'instance id of this host',
    fallbackText: 'from the metadata service',
    isOurs: true,
  }),
  network: textOption({
    flags: '--network <name>',
    help: 'network (VPC) of this host',
    note: 'on EC2 the subnet is that of the card, if the host has one card',
    fallbackText: 'the VPC on EC2, else "default"',
    isOurs: true,
  }),
  zone: textOption({
    flags: '--zone <id>',
    help: 'availability zone id of this host',
    fallbackText: `from the metadata service, else ${DEFAULT_ZONE}`,
    isOurs: true,
  }),
} as const satisfies Readonly<Record<string, AgentOption<unknown>>>;

type OptionValues = {
  readonly [Key in keyof typeof OPTIONS]: ReturnType<(typeof OPTIONS)[Key]['parse']>;
};

/** The options as the agent uses them. */
export interface AgentOptions extends Omit<OptionValues, 'openMetrics'> {
  /** Undefined: nothing listens. */
  readonly openMetrics: { readonly address: string; readonly port: number } | undefined;
  readonly spoolBytes: number;
}

/** `exit` when nothing is to be run: help was printed (code 0) or the options are wrong (1). */
export type ParsedOptions =
  | { readonly status: 'run'; readonly options: AgentOptions }
  | { readonly status: 'exit'; readonly code: number };

/** Parses the arguments of `nfm agent`; prints help and errors. */
export function parseAgentOptions(argv: readonly string[]): ParsedOptions {
  const command = new Command('nfm agent')
    .description('Reports the TCP connections of this host.')
    .version(agentBuild().version, '--version')
    .addHelpText('after', '\nnfm agent doctor [options] checks whether the agent could run.')
    .exitOverride();
  const added = Object.entries(OPTIONS).map(([key, option]) => {
    const known = commanderOption(option);
    command.addOption(known);
    return { key, option, attribute: known.attributeName() };
  });
  try {
    command.parse([...argv], { from: 'user' });
    const given = command.opts();
    const values = Object.fromEntries(
      added.map(({ key, option, attribute }) => [key, optionValue(option, given[attribute])]),
    ) as OptionValues;
    const isLocal = values.print || values.openMetrics;
    if (values.publishReports && values.endpoint === undefined && !isLocal) {
      command.error(
        'error: --endpoint is required, for example --endpoint http://127.0.0.1:8130/publish',
      );
    }
    return { status: 'run', options: agentOptions(values) };
  } catch (error) {
    if (error instanceof CommanderError) return { status: 'exit', code: error.exitCode };
    throw error;
  }
}

function agentOptions(values: OptionValues): AgentOptions {
  const { openMetricsAddress: address, openMetricsPort: port, spoolMib } = values;
  return {
    ...values,
    logReports: values.logReports || values.print,
    openMetrics: values.openMetrics ? { address, port } : undefined,
    spoolFolder: spoolMib === 0 ? undefined : values.spoolFolder,
    spoolBytes: (spoolMib || DEFAULT_SPOOL_MIB) * 1_048_576,
  };
}

/** The table of docs/reference/agent.md. */
export function optionsReference(): string {
  const rows = Object.values(OPTIONS).map(referenceRow);
  const head = '| option | environment | values | default | meaning |\n|---|---|---|---|---|';
  return `\n${head}\n${rows.join('\n')}\n\n`;
}
