import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { parse as parseYaml } from 'yaml';
import {
  type AnySetting,
  integerSetting as integer,
  listOf,
  type SettingValues,
  textSetting as text,
  booleanSetting as toggle,
} from '../lib/setting.ts';
import { TOPOLOGY_SETTINGS, topologyConfigProblem } from '../topology/sources/source-registry.ts';

const MIB = 1024 * 1024;

export const SETTINGS = {
  data: text('', 'folder for everything the server keeps (made when absent)'),
  listen: text('127.0.0.1:8130', 'HOST:PORT to listen on; port 0 takes a free one'),
  tlsCert: text('', 'PEM file of the TLS certificate chain'),
  tlsKey: text('', 'PEM file of the TLS private key'),
  insecurePlainHttp: toggle('listen beyond loopback without TLS'),
  account: text('000000000000', 'account that the first start creates, 12 digits'),
  region: text('us-east-1', 'Region a console session without one works in'),
  database: text('', 'postgres://… for several servers; SQLite in the data folder when empty'),
  clickhouseUrl: text('', 'URL of a ClickHouse cluster; embedded in the data folder when empty'),
  clickhouseUser: text('default', 'user of the ClickHouse cluster'),
  clickhousePassword: { ...text('', 'password of the ClickHouse cluster'), secret: true },
  clickhouseDatabase: text('default', 'database of the ClickHouse cluster'),
  retentionDays: integer(7, 'days flow rows are kept', [1, 3650]),
  storeMaxGib: integer(
    0,
    'GiB flow rows, and what health judged them by, may take on disk before their oldest days are deleted; 0 is no limit',
    [0, 1e6],
  ),
  journalMaxMib: integer(4096, 'MiB of accepted reports that may wait for the store', [16, 1e7]),
  journalSegmentMib: integer(64, 'MiB of one journal file', [1, 1024]),
  queryConcurrency: integer(2, 'queries that run at once', [1, 8]),
  queryMaxSeconds: integer(60, 'seconds a query may take', [1, 3600]),
  queryMaxMemoryMib: integer(2048, 'MiB a query may use', [64, 1e6]),
  queriesPerAccount: integer(200, 'queries of an account running or waiting', [1, 10_000]),
  maxQueryRangeSeconds: integer(
    0,
    'longest time range of a query; 0 is no limit, AWS has 3600',
    [0, 1e9],
  ),
  delegatedAdministrators: text(
    '',
    'delegated administrators, comma separated, of the organization that the first start makes; later nfm organization',
  ),
  throttleReadsPerSecond: integer(
    0,
    'reads an account may make each second; 0 is no limit',
    [0, 1e6],
  ),
  throttleWritesPerSecond: integer(
    0,
    'changes an account may make each second; 0 is no limit',
    [0, 1e6],
  ),
  throttleQueriesPerSecond: integer(
    0,
    'queries an account may start each second; 0 is no limit',
    [0, 1e6],
  ),
  throttleBurstSeconds: integer(
    5,
    'seconds of such calls that may come at once after a rest',
    [1, 3600],
  ),
  healthWindowSeconds: integer(
    30,
    'seconds of a window of the health indicator, a divisor of 60; agents report once in it',
    [2, 60],
  ),
  auditMaxEvents: integer(
    100_000,
    'changes the audit log keeps, and as many reads, about 1 kB each; 0 is none',
    [0, 1e7],
  ),
  ...TOPOLOGY_SETTINGS,
  consoleHosts: text('', 'names, comma separated, the console may be opened under beside loopback'),
  logLevel: text('info', 'debug, info, warn, error or silent'),
  signInAddress: toggle('print the address of the console with a one-time sign-in token'),
} as const satisfies Record<string, AnySetting>;

export type ServerConfig = SettingValues<typeof SETTINGS>;

/** A setting that cannot be used, with what to change. The server exits with 2. */
export class ConfigError extends Error {}

type Raw = string | number | boolean;

/** Flag of a setting: `--journal-max-mib`. */
export function flagOf(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Environment name of a setting: `NFM_JOURNAL_MAX_MIB`. */
export function environmentOf(key: string): string {
  return `NFM_${flagOf(key).replaceAll('-', '_').toUpperCase()}`;
}

export interface ConfigInput {
  readonly argv: readonly string[];
  /** Default: the process's. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
}

/** What was asked for besides running: `--help`, `--check`, `--print-config`. */
export interface ParsedConfig {
  readonly config: ServerConfig;
  readonly action: 'run' | 'help' | 'check' | 'print-config';
}

/**
 * Flags before environment before file before defaults.
 *
 * @throws ConfigError naming the setting and what it takes
 */
export async function readConfig(input: ConfigInput): Promise<ParsedConfig> {
  const { argv, environment = process.env } = input;
  const flags = parseFlags(argv);
  const file = await readConfigFile(flags.config);
  const entries = Object.entries(SETTINGS).map(([key, setting]) => {
    const raw = flags[flagOf(key)] ?? environment[environmentOf(key)] ?? file[key];
    return [key, raw === undefined ? setting.fallback : parseSetting(key, setting, raw)] as const;
  });
  const config = Object.fromEntries(entries) as ServerConfig;
  const actions = ['help', 'check', 'print-config'] as const;
  const action = actions.find((name) => flags[name] === true) ?? 'run';
  if (action !== 'help') checkConfig(config);
  return { config, action };
}

function parseFlags(argv: readonly string[]): Readonly<Record<string, Raw | undefined>> {
  const options = Object.fromEntries([
    ...Object.entries(SETTINGS).map(([key, { kind }]) => [
      flagOf(key),
      { type: kind === 'boolean' ? 'boolean' : 'string' },
    ]),
    ['config', { type: 'string' }],
    ['help', { type: 'boolean' }],
    ['check', { type: 'boolean' }],
    ['print-config', { type: 'boolean' }],
  ]) as Record<string, { type: 'string' | 'boolean' }>;
  try {
    return parseArgs({ args: [...argv], options, strict: true }).values as Record<string, Raw>;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`${message}; nfm server --help lists the settings`, { cause });
  }
}

/**
 * Every value is read as the text it is: an account of zeros is no number, as it would be to YAML.
 */
async function readConfigFile(path: Raw | undefined): Promise<Readonly<Record<string, Raw>>> {
  if (path === undefined) return {};
  let parsed: unknown;
  try {
    parsed = parseYaml(await readFile(String(path), 'utf8'), { schema: 'failsafe' });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`--config ${path}: ${message}`, { cause });
  }
  if (parsed === '' || parsed === null) return {};
  if (typeof parsed !== 'object' || Array.isArray(parsed)) {
    throw new ConfigError(`--config ${path}: settings as "key: value" lines are taken`);
  }
  const settings: Record<string, Raw> = {};
  for (const [key, value] of Object.entries(parsed)) {
    if (!Object.hasOwn(SETTINGS, key)) {
      throw new ConfigError(`--config ${path}: there is no setting "${key}"`);
    }
    if (typeof value !== 'string') {
      throw new ConfigError(`--config ${path}: ${key}: one value is taken`);
    }
    settings[key] = value;
  }
  return settings;
}

function parseSetting(key: string, setting: AnySetting, raw: Raw): Raw {
  if (setting.kind === 'string') return String(raw);
  if (setting.kind === 'boolean') {
    if (raw === true || raw === 'true' || raw === '1') return true;
    if (raw === false || raw === 'false' || raw === '0') return false;
    throw new ConfigError(`${key}: true or false is taken, not "${raw}"`);
  }
  const value = typeof raw === 'string' && raw.trim() === '' ? Number.NaN : Number(raw);
  const [min, max] = setting.range ?? [0, Number.MAX_SAFE_INTEGER];
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new ConfigError(`${key}: a whole number from ${min} to ${max} is taken, not "${raw}"`);
  }
  return value;
}

function checkConfig(config: ServerConfig): void {
  if (config.data === '') throw new ConfigError('data: give the data folder with --data DIR');
  if (!/^\d{12}$/.test(config.account)) throw new ConfigError('account: 12 digits are taken');
  if ((config.tlsCert === '') !== (config.tlsKey === '')) {
    throw new ConfigError('tlsCert, tlsKey: give both or neither');
  }
  if (config.database !== '' && !/^postgres(ql)?:\/\//.test(config.database)) {
    throw new ConfigError('database: postgres://… is taken');
  }
  if (config.clickhouseUrl !== '' && !/^https?:\/\//.test(config.clickhouseUrl)) {
    throw new ConfigError('clickhouseUrl: http://… or https://… is taken');
  }
  if (60 % config.healthWindowSeconds !== 0) {
    throw new ConfigError('healthWindowSeconds: a divisor of 60 is taken, such as 10, 30 or 60');
  }
  if (!listOf(config.delegatedAdministrators).every((account) => /^\d{12}$/.test(account))) {
    throw new ConfigError('delegatedAdministrators: 12 digits each, comma separated, are taken');
  }
  const { host } = listenAddress(config);
  if (config.tlsCert === '' && !config.insecurePlainHttp && !isLoopbackHost(host)) {
    throw new ConfigError(
      `listen: ${host} is not loopback; give --tls-cert and --tls-key, or --insecure-plain-http`,
    );
  }
  const topologyProblem = topologyConfigProblem(config);
  if (topologyProblem !== undefined) throw new ConfigError(topologyProblem);
  if (!['debug', 'info', 'warn', 'error', 'silent'].includes(config.logLevel)) {
    throw new ConfigError('logLevel: debug, info, warn, error or silent is taken');
  }
}

/** `HOST:PORT`, an IPv6 host in brackets. */
export function listenAddress(config: Pick<ServerConfig, 'listen'>): {
  host: string;
  port: number;
} {
  const match = /^(\[[0-9a-f:.]+\]|[^:]*):(\d{1,5})$/i.exec(config.listen);
  const port = Number(match?.[2]);
  const host = (match?.[1] ?? '').replace(/^\[|\]$/g, '');
  if (match === null || port > 65_535 || host === '') {
    throw new ConfigError(
      `listen: HOST:PORT is taken, such as 127.0.0.1:8130, not "${config.listen}"`,
    );
  }
  return { host, port };
}

export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** The text of `--help`. */
export function configHelp(): string {
  const lines = Object.entries(SETTINGS).map(([key, setting]) => {
    const value = setting.kind === 'boolean' ? '' : setting.kind === 'integer' ? ' N' : ' TEXT';
    const fallback =
      setting.fallback === '' || setting.fallback === false ? '' : ` (default ${setting.fallback})`;
    return `  --${flagOf(key)}${value}\n      ${setting.help}${fallback}; ${environmentOf(key)}`;
  });
  return `Usage: nfm server --data DIR [--listen HOST:PORT] [settings]

Runs the whole server in one process. Settings come from flags, then the environment, then
the YAML file of --config (keys as in --print-config), then defaults.

${lines.join('\n')}
  --config FILE
      YAML file of settings
  --check
      build everything, start nothing, say whether it would start
  --print-config
      print the settings in force, secrets hidden
  --help
`;
}

/** The settings in force, as YAML; secrets hidden. */
export function printConfig(config: ServerConfig): string {
  return Object.entries(SETTINGS)
    .map(([key, setting]) => {
      const value = config[key as keyof ServerConfig];
      const isHidden = 'secret' in setting && value !== '';
      return `${key}: ${JSON.stringify(isHidden ? HIDDEN : withoutPasswords(value))}\n`;
    })
    .join('');
}

const HIDDEN = '(hidden)';

/** URLs carry passwords before their host, or as a parameter. */
function withoutPasswords(value: Raw): Raw {
  if (typeof value !== 'string') return value;
  return value
    .replace(/(:\/\/[^/?#:@]*):[^/?#]*@/, `$1:${HIDDEN}@`)
    .replaceAll(/([?&][^=&]*password=)[^&#]*/gi, `$1${HIDDEN}`);
}

export const gib = (count: number): number => count * MIB * 1024;

export const mib = (count: number): number => count * MIB;
