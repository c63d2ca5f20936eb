import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { agentBuild } from './agent-build.ts';
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
  /** Undefined: nothing listens. */
  readonly openMetrics: { readonly address: string; readonly port: number } | undefined;
  /** Undefined: reports wait in memory. */
  readonly spoolFolder: string | undefined;
  readonly spoolBytes: number;
  /** Undefined: what HTTPS_PROXY, HTTP_PROXY and NO_PROXY say. */
  readonly proxy: URL | undefined;
  /** Undefined: what AWS_CA_BUNDLE or SSL_CERT_FILE say. */
  readonly caFile: string | undefined;
  readonly kubernetesMetadata: boolean;
  /** Undefined: what the metadata service says. */
  readonly instanceId: string | undefined;
  readonly network: string;
  /** Undefined: what the metadata service says, or `DEFAULT_ZONE`. */
  readonly zone: string | undefined;
}

/** Where neither `--zone` nor a metadata service says. */
export const DEFAULT_ZONE = 'use1-az1';

const DEFAULT_SPOOL_MIB = 64;

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
  readonly print?: boolean;
  readonly publishReports: OnOff;
  readonly openMetrics: OnOff;
  readonly openMetricsPort: number;
  readonly openMetricsAddress: string;
  readonly kubernetesMetadata: OnOff;
  readonly resolveNat: OnOff;
  /** The existing agent's default is the empty text. */
  readonly proxy?: URL | '';
  readonly caFile?: string;
  readonly spoolDir?: string;
  readonly spoolMib: number;
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
    const isLocal = raw.print === true || raw.openMetrics === 'on';
    if (raw.publishReports === 'on' && raw.endpoint === undefined && !isLocal) {
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
    logReports: raw.logReports === 'on' || raw.print === true,
    publishReports: raw.publishReports === 'on',
    openMetrics:
      raw.openMetrics === 'on'
        ? { address: raw.openMetricsAddress, port: raw.openMetricsPort }
        : undefined,
    spoolFolder: raw.spoolMib === 0 ? undefined : raw.spoolDir,
    spoolBytes: (raw.spoolMib || DEFAULT_SPOOL_MIB) * 1_048_576,
    proxy: raw.proxy || undefined,
    caFile: raw.caFile,
    kubernetesMetadata: raw.kubernetesMetadata === 'on',
    instanceId: raw.instanceId,
    network: raw.network,
    zone: raw.zone,
  };
}

function agentCommand(): Command {
  return new Command('nfm agent')
    .description('Reports what the TCP connections of this host do.')
    .addOption(new Option('-e, --endpoint <url>', 'where to send reports').argParser(parseUrl))
    .option('-r, --endpoint-region <region>', 'the Region reports belong to (default: us-east-1)')
    .option('--print', 'print each report as a line of JSON; without --endpoint, nothing else')
    .addOption(wholeNumber('-s, --publish-secs <n>', 'seconds between reports', [1, 600, 30]))
    .addOption(wholeNumber('-j, --jitter-secs <n>', 'by how much that varies', [0, 600, 5]))
    .addOption(
      wholeNumber(
        '-a, --aggregate-msecs <n>',
        'most milliseconds between readings',
        [100, 60_000, 100],
      ),
    )
    .addOption(wholeNumber('-t, --top-k <n>', 'most flows in a report', [1, 65_536, 500]))
    .addOption(
      wholeNumber(
        '-v, --notrack-secs <n>',
        'seconds until an idle socket is left out',
        [1, 600, 65],
      ),
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
    .addOption(choice('--open-metrics <on|off>', 'serve GET /metrics', ['off', 'on']))
    .addOption(wholeNumber('--open-metrics-port <n>', 'on this port', [1, 65_535, 9109]))
    .option('--open-metrics-address <address>', 'at this address', '127.0.0.1')
    .addOption(
      choice('-k, --kubernetes-metadata <on|off>', 'name pods of this node', ['off', 'on']),
    )
    .addOption(choice('-n, --resolve-nat <on|off>', 'addresses beyond local NAT', ['off', 'on']))
    .addOption(
      new Option(
        '-x, --proxy <url>',
        'the way to the endpoint (default: HTTPS_PROXY, NO_PROXY)',
      ).argParser((given) => (given === '' ? '' : parseUrl(given))),
    )
    .option('--ca-file <path>', 'certificates to trust (default: AWS_CA_BUNDLE, SSL_CERT_FILE)')
    .option('--spool-dir <path>', 'where reports wait while the endpoint is away (default: memory)')
    .addOption(
      wholeNumber('--spool-mib <n>', 'MiB they may take, 0 for none', [
        0,
        65_536,
        DEFAULT_SPOOL_MIB,
      ]),
    )
    .option('--instance-id <id>', "this host's instance id (default: from the metadata service)")
    .option(
      '--network <name>',
      'the network (VPC) this host is in (default: its VPC on EC2, else "default")',
    )
    .option(
      '--zone <id>',
      `the availability zone id this host is in (default: from the metadata service, else ${DEFAULT_ZONE})`,
    )
    .version(agentBuild().version, '--version')
    .addHelpText('after', '\nnfm agent doctor [options] says whether it could run with them.')
    .exitOverride();
}

function choice(flags: string, text: string, [first, second]: readonly [string, string]): Option {
  return new Option(flags, text).choices([first, second]).default(first);
}

function wholeNumber(
  flags: string,
  text: string,
  [min, max, value]: readonly [number, number, number],
): Option {
  return new Option(flags, `${text}, ${min} to ${max}`)
    .default(value)
    .argParser((given: string) => {
      const number = Number(given);
      if (/^\d+$/.test(given) && number >= min && number <= max) return number;
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    });
}

function parseUrl(given: string): URL {
  if (!URL.canParse(given)) throw new InvalidArgumentError('It must be a whole URL.');
  const url = new URL(given);
  if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  throw new InvalidArgumentError('It must begin with http:// or https://.');
}
