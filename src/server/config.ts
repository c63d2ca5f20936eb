import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { parse as parseYaml } from 'yaml';
import { errorMessage } from '../lib/error-details.ts';
import { LOG_LEVELS, type LogLevel } from '../lib/log.ts';
import { parseNetworks } from '../lib/networks.ts';
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
  data: text('', "folder for all of the server's data; created when missing"),
  listen: text('127.0.0.1:8130', 'HOST:PORT to listen on; port 0 picks a free port'),
  tlsCert: text('', 'PEM file of the TLS certificate chain'),
  tlsKey: text('', 'PEM file of the TLS private key'),
  insecurePlainHttp: toggle('allow a listen address beyond loopback without TLS'),
  trustedProxies: text(
    '',
    'addresses and CIDRs, comma separated, of reverse proxies whose X-Forwarded-For or Forwarded header names the client; none by default',
  ),
  idleSeconds: integer(
    75,
    'seconds that a connection stays open without a request; more than the idle time of a proxy in front',
    [1, 3600],
  ),
  maxConnections: integer(
    16_384,
    'open connections; beyond it a new one displaces the oldest that never sent an accepted request',
    [16, 1e6],
  ),
  account: text('000000000000', 'account, 12 digits, that the first start creates'),
  region: text('us-east-1', 'Region of console sessions'),
  database: text(
    '',
    'postgres://… shared by several servers; when empty, SQLite in the data folder',
  ),
  clickhouseUrl: text(
    '',
    'URL of a ClickHouse cluster; when empty, embedded ClickHouse in the data folder',
  ),
  clickhouseUser: text('default', 'user of the ClickHouse cluster'),
  clickhousePassword: { ...text('', 'password of the ClickHouse cluster'), secret: true },
  clickhouseDatabase: text('default', 'database of the ClickHouse cluster'),
  retentionDays: integer(7, 'days to keep flow rows', [1, 3650]),
  trustClock: toggle(
    'confirm that the clock is right although it differs from the last run by more than a day, as after a long stop; without it, rows are deleted that much later',
  ),
  storeMaxGib: integer(
    0,
    'GiB on disk for flow rows and health inputs; beyond it the server deletes the oldest days; 0 means no limit',
    [0, 1e6],
  ),
  journalMaxMib: integer(
    4096,
    'MiB of accepted reports that may wait for the store; beyond it reports are rejected',
    [16, 1e7],
  ),
  journalSegmentMib: integer(64, 'MiB at which the journal starts another file', [1, 1024]),
  queryConcurrency: integer(2, 'queries that run at the same time', [1, 8]),
  queryMaxSeconds: integer(60, 'seconds after which a query fails', [1, 3600]),
  queryMaxMemoryMib: integer(2048, 'MiB of memory a query may use', [64, 1e6]),
  queriesPerAccount: integer(
    200,
    'queries that an account may have running or waiting',
    [1, 10_000],
  ),
  maxQueryRangeSeconds: integer(
    0,
    'longest time range of a query in seconds; 0 means no limit; AWS allows 3600',
    [0, 1e9],
  ),
  delegatedAdministrators: text(
    '',
    'accounts, comma separated, that the first start makes delegated administrators of its organization; nfm organization changes them later',
  ),
  throttleReadsPerSecond: integer(
    0,
    'read requests per second and account; 0 means no limit',
    [0, 1e6],
  ),
  throttleWritesPerSecond: integer(
    0,
    'change requests per second and account; 0 means no limit',
    [0, 1e6],
  ),
  throttleQueriesPerSecond: integer(
    0,
    'started queries per second and account; 0 means no limit',
    [0, 1e6],
  ),
  throttleBurstSeconds: integer(
    5,
    'seconds of unused request rate that an account may spend at once',
    [1, 3600],
  ),
  healthWindowSeconds: integer(
    30,
    'length in seconds of a health indicator window, a divisor of 60; each agent must report once per window',
    [2, 60],
  ),
  auditMaxEvents: integer(
    100_000,
    'changes that the audit log keeps, and as many failed changes and reads, about 1 kB each; 0 disables the log',
    [0, 1e7],
  ),
  ...TOPOLOGY_SETTINGS,
  consoleHosts: text(
    '',
    'host names, comma separated, that may serve the console besides loopback',
  ),
  logLevel: text('info', 'lowest level to log: debug, info, warn, error or silent'),
  signInAddress: toggle('print the console address with a one-time sign-in token'),
} as const satisfies Record<string, AnySetting>;

export type ServerConfig = SettingValues<typeof SETTINGS>;

/** The message names the invalid setting and what to change. The server exits with 2. */
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
  /** Default: `process.env`. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
}

/** The flags that ask for something else than running. */
const ACTIONS = ['help', 'check', 'print-config'] as const;

/** `action` is `run`, unless `--help`, `--check` or `--print-config` asks for something else. */
export interface ParsedConfig {
  readonly config: ServerConfig;
  readonly action: 'run' | (typeof ACTIONS)[number];
}

/**
 * Reads the settings. Flags override the environment, which overrides the file, which overrides
 * the defaults.
 *
 * @throws ConfigError when a setting is invalid
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
  const action = ACTIONS.find((name) => flags[name] === true) ?? 'run';
  if (action !== 'help') checkConfig(config);
  return { config, action };
}

function parseFlags(argv: readonly string[]): Readonly<Record<string, Raw | undefined>> {
  const types: (readonly [flag: string, type: 'string' | 'boolean'])[] = [
    ...Object.entries(SETTINGS).map(
      ([key, { kind }]) => [flagOf(key), kind === 'boolean' ? 'boolean' : 'string'] as const,
    ),
    ['config', 'string'],
    ...ACTIONS.map((flag) => [flag, 'boolean'] as const),
  ];
  const options = Object.fromEntries(types.map(([flag, type]) => [flag, { type }]));
  try {
    return parseArgs({ args: [...argv], options, strict: true }).values;
  } catch (cause) {
    const message = errorMessage(cause);
    throw new ConfigError(`${message}; nfm server --help lists the settings`, { cause });
  }
}

/**
 * Reads every value as text, because YAML would read the account 000000000001 as the number 1.
 */
async function readConfigFile(path: Raw | undefined): Promise<Readonly<Record<string, Raw>>> {
  if (path === undefined) return {};
  let parsed: unknown;
  try {
    parsed = parseYaml(await readFile(String(path), 'utf8'), { schema: 'failsafe' });
  } catch (cause) {
    const message = errorMessage(cause);
    throw new ConfigError(`--config ${path}: ${message}`, { cause });
  }
  if (parsed === '' || parsed === null) return {};
  if (typeof parsed !== 'object' || Array.isArray(parsed)) {
    throw new ConfigError(`--config ${path}: expected "key: value" lines`);
  }
  const settings: Record<string, Raw> = {};
  for (const [key, value] of Object.entries(parsed)) {
    if (!Object.hasOwn(SETTINGS, key)) {
      throw new ConfigError(`--config ${path}: unknown setting "${key}"`);
    }
    if (typeof value !== 'string') {
      throw new ConfigError(`--config ${path}: ${key}: expected one value`);
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
    throw new ConfigError(`${key}: must be true or false, not "${raw}"`);
  }
  const value = typeof raw === 'string' && raw.trim() === '' ? Number.NaN : Number(raw);
  const [min, max] = setting.range ?? [0, Number.MAX_SAFE_INTEGER];
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new ConfigError(`${key}: must be an integer from ${min} to ${max}, not "${raw}"`);
  }
  return value;
}

function checkConfig(config: ServerConfig): void {
  if (config.data === '') throw new ConfigError('data: name the data folder with --data DIR');
  if (!/^\d{12}$/.test(config.account)) throw new ConfigError('account: must be 12 digits');
  if ((config.tlsCert === '') !== (config.tlsKey === '')) {
    throw new ConfigError('tlsCert, tlsKey: set both or neither');
  }
  if (config.database !== '' && !/^postgres(ql)?:\/\//.test(config.database)) {
    throw new ConfigError('database: must start with postgres://');
  }
  if (config.clickhouseUrl !== '' && !/^https?:\/\//.test(config.clickhouseUrl)) {
    throw new ConfigError('clickhouseUrl: must start with http:// or https://');
  }
  if (60 % config.healthWindowSeconds !== 0) {
    throw new ConfigError('healthWindowSeconds: must be a divisor of 60, such as 10, 30 or 60');
  }
  if (!listOf(config.delegatedAdministrators).every((account) => /^\d{12}$/.test(account))) {
    throw new ConfigError(
      'delegatedAdministrators: must be accounts of 12 digits, separated by commas',
    );
  }
  if (parseNetworks(config.trustedProxies) === undefined) {
    throw new ConfigError(
      `trustedProxies: must be addresses or CIDRs, such as 10.0.0.0/24, not "${config.trustedProxies}"`,
    );
  }
  const { host } = listenAddress(config);
  if (config.tlsCert === '' && !config.insecurePlainHttp && !isLoopbackHost(host)) {
    throw new ConfigError(
      `listen: ${host} is not loopback; set --tls-cert and --tls-key, or --insecure-plain-http`,
    );
  }
  const topologyProblem = topologyConfigProblem(config);
  if (topologyProblem !== undefined) throw new ConfigError(topologyProblem);
  logLevelOf(config);
}

/** @throws ConfigError when the level is unknown */
export function logLevelOf(config: Pick<ServerConfig, 'logLevel'>): LogLevel {
  const level = LOG_LEVELS.find((known) => known === config.logLevel);
  if (level !== undefined) return level;
  throw new ConfigError('logLevel: must be debug, info, warn, error or silent');
}

/** Parses `HOST:PORT`; an IPv6 host is in brackets. */
export function listenAddress(config: Pick<ServerConfig, 'listen'>): {
  host: string;
  port: number;
} {
  const match = /^(\[[0-9a-f:.]+\]|[^:]*):(\d{1,5})$/i.exec(config.listen);
  const port = Number(match?.[2]);
  const host = (match?.[1] ?? '').replace(/^\[|\]$/g, '');
  if (match === null || port > 65_535 || host === '') {
    throw new ConfigError(
      `listen: must be HOST:PORT, such as 127.0.0.1:8130, not "${config.listen}"`,
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

Runs the whole server in one process. A flag overrides the environment, which overrides the
YAML file of --config (with the keys of --print-config), which overrides the default.

${lines.join('\n')}
  --config FILE
      YAML file of settings
  --check
      check that the server can be built from the settings, and exit without starting it
  --print-config
      print the effective settings without their secrets, and exit
  --help
`;
}

/** The effective settings as YAML, without their secrets. */
export function printConfig(config: ServerConfig): string {
  return Object.entries(config)
    .map(([key, value]) => {
      const isHidden = SECRETS.has(key) && value !== '';
      return `${key}: ${JSON.stringify(isHidden ? HIDDEN : withoutPasswords(value))}\n`;
    })
    .join('');
}

const HIDDEN = '(hidden)';
const SECRETS: ReadonlySet<string> = new Set(
  Object.entries(SETTINGS).flatMap(([key, setting]) => ('secret' in setting ? [key] : [])),
);

/** Hides the password that a URL has before its host or as a parameter. */
function withoutPasswords(value: Raw): Raw {
  if (typeof value !== 'string') return value;
  return value
    .replace(/(:\/\/[^/?#:@]*):[^/?#]*@/, `$1:${HIDDEN}@`)
    .replaceAll(/([?&][^=&]*password=)[^&#]*/gi, `$1${HIDDEN}`);
}

export const gib = (count: number): number => count * MIB * 1024;

export const mib = (count: number): number => count * MIB;
