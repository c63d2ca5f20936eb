import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { COLLECTORS, type Collector } from './kernel/choose-source.ts';

/** What the agent was asked to do: names, short forms and ranges of the existing open agent. */
export interface AgentOptions {
  readonly endpoint: URL | undefined;
  readonly region: string;
  readonly publishMillis: number;
  readonly jitterMillis: number;
  readonly aggregateMillis: number;
  readonly topK: number;
  readonly notrackMillis: number;
  /** Undefined: where cgroup v2 is mounted. */
  readonly cgroup: string | undefined;
  readonly collector: Collector;
  readonly compression: 'gzip' | 'none';
  readonly usageData: boolean;
  readonly resolveNat: boolean;
  readonly logReports: boolean;
  readonly publishReports: boolean;
  /** Options given that do nothing yet. */
  readonly unused: readonly string[];
  /** Undefined: what the metadata service says. */
  readonly instanceId: string | undefined;
  readonly network: string;
  /** Undefined: what the metadata service says, or `DEFAULT_ZONE`. */
  readonly zone: string | undefined;
}

/** Where neither `--zone` nor a metadata service says. */
export const DEFAULT_ZONE = 'use1-az1';

/** `exit` when there is nothing to do: help was asked for (0) or the options are wrong (1). */
export type ParsedOptions =
  | { readonly status: 'run'; readonly options: AgentOptions }
  | { readonly status: 'exit'; readonly code: number };

interface RawOptions {
  readonly endpoint?: URL;
  readonly endpointRegion?: string;
  readonly publishSecs: number;
  readonly jitterSecs: number;
  readonly aggregateMsecs: number;
  readonly topK: number;
  readonly notrackSecs: number;
  readonly cgroup?: string;
  readonly collector: Collector;
  readonly reportCompression: 'gzip' | 'none';
  readonly usageData: OnOff;
  readonly logReports: OnOff;
  readonly publishReports: OnOff;
  readonly kubernetesMetadata: OnOff;
  readonly resolveNat: OnOff;
  readonly proxy: string;
  readonly instanceId?: string;
  readonly network: string;
  readonly zone?: string;
}

type OnOff = 'on' | 'off';

/** Reads `nfm agent`'s arguments; help and mistakes are printed. */
export function parseAgentOptions(argv: readonly string[]): ParsedOptions {
  const command = agentCommand();
  try {
    command.parse([...argv], { from: 'user' });
    const raw: RawOptions = command.opts();
    if (raw.publishReports === 'on' && raw.endpoint === undefined) {
      command.error('error: --endpoint is needed, e.g. --endpoint http://127.0.0.1:8130/publish');
    }
    return { status: 'run', options: optionsOf(raw) };
  } catch (error) {
    if (error instanceof CommanderError) return { status: 'exit', code: error.exitCode };
    throw error;
  }
}

function optionsOf(raw: RawOptions): AgentOptions {
  return {
    endpoint: raw.endpoint,
    region: raw.endpointRegion || 'us-east-1',
    publishMillis: raw.publishSecs * 1_000,
    jitterMillis: raw.jitterSecs * 1_000,
    aggregateMillis: raw.aggregateMsecs,
    topK: raw.topK,
    notrackMillis: raw.notrackSecs * 1_000,
    cgroup: raw.cgroup,
    collector: raw.collector,
    compression: raw.reportCompression,
    usageData: raw.usageData === 'on',
    resolveNat: raw.resolveNat === 'on',
    logReports: raw.logReports === 'on',
    publishReports: raw.publishReports === 'on',
    unused: unusedOptions(raw),
    instanceId: raw.instanceId,
    network: raw.network,
    zone: raw.zone,
  };
}

function unusedOptions(raw: RawOptions): readonly string[] {
  return [
    ...(raw.kubernetesMetadata === 'on' ? ['--kubernetes-metadata'] : []),
    ...(raw.proxy === '' ? [] : ['--proxy']),
  ];
}

function agentCommand(): Command {
  return new Command('nfm agent')
    .description('Reports what the TCP connections of this host do.')
    .addOption(new Option('-e, --endpoint <url>', 'where to send reports').argParser(parseUrl))
    .option('-r, --endpoint-region <region>', 'the Region reports belong to (default: us-east-1)')
    .addOption(seconds('-s, --publish-secs <n>', 'seconds between reports', [1, 600, 30]))
    .addOption(seconds('-j, --jitter-secs <n>', 'by how much that varies', [0, 600, 5]))
    .addOption(
      seconds('-a, --aggregate-msecs <n>', 'milliseconds between readings', [100, 60_000, 500]),
    )
    .addOption(seconds('-t, --top-k <n>', 'most flows in a report', [1, 65_536, 500]))
    .addOption(
      seconds('-v, --notrack-secs <n>', 'seconds until an idle socket is left out', [1, 600, 65]),
    )
    .option('-c, --cgroup <path>', 'cgroup v2 to watch (default: where it is mounted)')
    .addOption(
      new Option('--collector <kind>', 'who tells of connections')
        .choices([...COLLECTORS])
        .default('auto'),
    )
    .addOption(choice('-z, --report-compression <kind>', 'of reports', ['gzip', 'none']))
    .addOption(choice('-u, --usage-data <on|off>', "the agent's own numbers", ['on', 'off']))
    .addOption(choice('-l, --log-reports <on|off>', 'print each report', ['off', 'on']))
    .addOption(choice('-p, --publish-reports <on|off>', 'send reports', ['on', 'off']))
    .addOption(choice('-k, --kubernetes-metadata <on|off>', 'not built yet', ['off', 'on']))
    .addOption(choice('-n, --resolve-nat <on|off>', 'addresses beyond local NAT', ['off', 'on']))
    .option('-x, --proxy <url>', 'not built yet', '')
    .option('--instance-id <id>', "this host's instance id (default: from the metadata service)")
    .option('--network <name>', 'the network (VPC) this host is in', 'default')
    .option(
      '--zone <id>',
      `the availability zone id this host is in (default: from the metadata service, else ${DEFAULT_ZONE})`,
    )
    .exitOverride();
}

function choice(flags: string, text: string, [first, second]: readonly [string, string]): Option {
  return new Option(flags, text).choices([first, second]).default(first);
}

function seconds(
  flags: string,
  text: string,
  [least, most, value]: readonly [number, number, number],
): Option {
  return new Option(flags, `${text}, ${least} to ${most}`)
    .default(value)
    .argParser((given: string) => {
      const number = Number(given);
      if (/^\d+$/.test(given) && number >= least && number <= most) return number;
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    });
}

function parseUrl(given: string): URL {
  if (!URL.canParse(given)) throw new InvalidArgumentError('It must be a whole URL.');
  const url = new URL(given);
  if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  throw new InvalidArgumentError('It must begin with http:// or https://.');
}
