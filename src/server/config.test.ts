import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  ConfigError,
  configHelp,
  environmentOf,
  flagOf,
  isLoopbackHost,
  listenAddress,
  printConfig,
  readConfig,
  SETTINGS,
} from './config.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nfm-config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Writes a settings file and returns its path. */
function file(text: string): string {
  const path = join(folder, 'nfm.yaml');
  writeFileSync(path, text);
  return path;
}

const read = async (argv: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
  (await readConfig({ argv: ['--data', 'x', ...argv], environment })).config;

describe('the value of a setting', () => {
  test('is the default when it is set nowhere', async () => {
    const config = await read([]);
    const expected = Object.entries(SETTINGS).map(([key, { fallback }]) => [key, fallback]);
    expect(config).toEqual({ ...Object.fromEntries(expected), data: 'x' });
  });

  test('comes from flags, before the environment, the file and the defaults', async () => {
    const config = ['--config', file('retentionDays: 2\nregion: file\naccount: "111111111111"\n')];
    const environment = { NFM_RETENTION_DAYS: '3', NFM_REGION: 'environment' };
    expect(await read([...config, '--retention-days', '4'], environment)).toMatchObject({
      retentionDays: 4,
      region: 'environment',
      account: '111111111111',
      queryConcurrency: 2,
    });
  });

  test('can be set by a flag, the environment and a key in the file', async () => {
    const values: Record<string, string> = {
      listen: 'localhost:1',
      tlsCert: 'cert.pem',
      trustedProxies: '10.0.0.0/24, ::1',
      tlsKey: 'key.pem',
      account: '111111111111',
      database: 'postgres://db/nfm',
      clickhouseUrl: 'http://ch:8123',
      delegatedAdministrators: '111111111111, 222222222222',
      kubernetes: 'prod=in-cluster',
      logLevel: 'error',
    };
    const settings = Object.entries(SETTINGS).map(([key, setting]) => {
      const text = setting.kind === 'string' ? (values[key] ?? `a ${key}`) : undefined;
      return {
        key,
        kind: setting.kind,
        text: text ?? (setting.kind === 'integer' ? '77' : 'true'),
      };
    });
    // 77 is in every range except these.
    const small: Record<string, string> = { queryConcurrency: '7', healthWindowSeconds: '6' };
    const own = (key: string, text: string) => small[key] ?? text;
    const flags = settings.map(({ key, kind, text }) =>
      kind === 'boolean' ? `--${flagOf(key)}` : `--${flagOf(key)}=${own(key, text)}`,
    );
    const environment = settings.map(({ key, text }) => [environmentOf(key), own(key, text)]);
    const lines = settings.map(({ key, text }) => `${key}: ${own(key, text)}\n`).join('');
    const byFlags = (await readConfig({ argv: flags, environment: {} })).config;
    const byEnvironment = (
      await readConfig({ argv: [], environment: Object.fromEntries(environment) })
    ).config;
    const byFile = (await readConfig({ argv: ['--config', file(lines)], environment: {} })).config;
    expect(byEnvironment).toEqual(byFlags);
    expect(byFile).toEqual(byFlags);
    expect(byFlags).toMatchObject({ journalMaxMib: 77, signInAddress: true, data: 'a data' });
  });

  test('names are derived from the key', () => {
    expect(flagOf('journalMaxMib')).toBe('journal-max-mib');
    expect(environmentOf('journalMaxMib')).toBe('NFM_JOURNAL_MAX_MIB');
    expect(environmentOf('data')).toBe('NFM_DATA');
  });

  test.each(['true', '1'])('a toggle is on by the environment as %s', async (text) => {
    expect(await read([], { NFM_INSECURE_PLAIN_HTTP: text })).toMatchObject({
      insecurePlainHttp: true,
    });
  });

  test.each(['false', '0'])('a toggle is off by the environment as %s', async (text) => {
    const on = ['--config', file('insecurePlainHttp: true\n')];
    expect(await read(on, { NFM_INSECURE_PLAIN_HTTP: text })).toMatchObject({
      insecurePlainHttp: false,
    });
  });
});

describe('the file', () => {
  test.each([
    { name: 'nothing', text: '' },
    { name: 'a comment', text: '# nothing yet\n' },
  ])('may hold $name', async ({ text }) => {
    expect(await read(['--config', file(text)])).toMatchObject({ retentionDays: 7 });
  });

  test('keeps the zeros of an account that is not quoted', async () => {
    expect(await read(['--config', file('account: 000000000001\n')])).toMatchObject({
      account: '000000000001',
    });
  });

  test('accepts the output of --print-config', async () => {
    const config = await read(['--retention-days', '9', '--console-hosts', 'a: "b"']);
    expect(await read(['--config', file(printConfig(config))])).toEqual(config);
  });

  test.each([
    { name: 'that is no YAML', text: 'region: "a\n', message: /nfm\.yaml: .*closing/i },
    { name: 'that is a list', text: '- region\n', message: 'expected "key: value" lines' },
    { name: 'that is one word', text: 'region\n', message: 'expected "key: value" lines' },
    {
      name: 'with an unknown key',
      text: 'retention: 7\n',
      message: 'unknown setting "retention"',
    },
    {
      name: 'with a key every object has',
      text: 'toString: 7\n',
      message: 'unknown setting "toString"',
    },
    {
      name: 'with a list of values',
      text: 'consoleHosts: [a, b]\n',
      message: 'consoleHosts: expected one value',
    },
    {
      name: 'with settings below a setting',
      text: 'listen:\n  port: 1\n',
      message: 'listen: expected one value',
    },
    {
      name: 'with a number left out',
      text: 'retentionDays:\n',
      message: 'retentionDays: must be an integer',
    },
    { name: 'with one key twice', text: 'region: a\nregion: b\n', message: 'unique' },
  ])('$name is refused', async ({ text, message }) => {
    const refused = read(['--config', file(text)]);
    await expect(refused).rejects.toBeInstanceOf(ConfigError);
    await expect(refused).rejects.toThrow(message);
  });

  test('that is missing is rejected with its name', async () => {
    const path = join(folder, 'absent.yaml');
    await expect(read(['--config', path])).rejects.toThrow(/absent\.yaml: ENOENT/);
  });
});

describe('an invalid setting is rejected with its valid values', () => {
  const cases: readonly { name: string; argv: readonly string[]; message: string }[] = [
    { name: 'an unknown flag', argv: ['--retention', '7'], message: 'nfm server --help' },
    { name: 'a word without a flag', argv: ['start'], message: 'nfm server --help' },
    { name: 'a flag without its value', argv: ['--region'], message: 'nfm server --help' },
    { name: 'no data folder', argv: ['--data='], message: 'name the data folder with --data DIR' },
    { name: 'no number', argv: ['--retention-days', 'a week'], message: 'from 1 to 3650' },
    { name: 'an empty number', argv: ['--retention-days='], message: 'from 1 to 3650' },
    { name: 'a fraction', argv: ['--retention-days', '1.5'], message: 'from 1 to 3650' },
    { name: 'too few', argv: ['--retention-days', '0'], message: 'from 1 to 3650' },
    { name: 'too many', argv: ['--retention-days', '3651'], message: 'from 1 to 3650' },
    { name: 'less than nothing', argv: ['--store-max-gib=-1'], message: 'from 0 to 1000000' },
    { name: 'a short account', argv: ['--account', '12345'], message: '12 digits' },
    {
      name: 'a short account among others',
      argv: ['--delegated-administrators', '1'],
      message: '12 digits',
    },
    {
      name: 'a certificate without its key',
      argv: ['--tls-cert', 'a'],
      message: 'set both or neither',
    },
    {
      name: 'a key without its certificate',
      argv: ['--tls-key', 'a'],
      message: 'set both or neither',
    },
    {
      name: 'all addresses in plain text',
      argv: ['--listen', '0.0.0.0:1'],
      message: 'not loopback',
    },
    { name: 'a name in plain text', argv: ['--listen', 'nfm.example:1'], message: 'not loopback' },
    {
      name: 'a listen without a port',
      argv: ['--listen', '127.0.0.1'],
      message: 'must be HOST:PORT',
    },
    { name: 'a listen without a host', argv: ['--listen', ':8130'], message: 'must be HOST:PORT' },
    { name: 'a port too large', argv: ['--listen', '[::1]:65536'], message: 'must be HOST:PORT' },
    { name: 'a log level', argv: ['--log-level', 'loud'], message: 'debug, info, warn' },
    {
      name: 'a role for nothing',
      argv: ['--aws-role-name', 'nfm'],
      message: 'awsRoleName: needs awsTopology',
    },
    {
      name: 'a cluster without a name',
      argv: ['--kubernetes', 'in-cluster'],
      message: 'NAME=in-cluster or NAME=KUBECONFIG',
    },
    {
      name: 'a cluster twice',
      argv: ['--kubernetes', 'a=in-cluster,a=kubeconfig'],
      message: 'cluster a is listed twice',
    },
    { name: 'another database', argv: ['--database', 'mysql://a'], message: 'postgres://' },
    {
      name: 'a ClickHouse without http',
      argv: ['--clickhouse-url', 'ch:8123'],
      message: 'http://',
    },
  ];
  test.each(cases)('$name: $argv', async ({ argv, message }) => {
    await expect(read(argv)).rejects.toBeInstanceOf(ConfigError);
    await expect(read(argv)).rejects.toThrow(message);
  });

  test('a toggle of the environment that is neither true nor false', async () => {
    const environment = { NFM_SIGN_IN_ADDRESS: 'yes' };
    await expect(read([], environment)).rejects.toThrow('signInAddress: must be true or false');
  });

  test.each([
    ['with TLS', ['--tls-cert', 'a', '--tls-key', 'b']],
    ['when plain text is asked for', ['--insecure-plain-http']],
  ])('beyond loopback it listens %s', async (_, argv) => {
    expect(await read(['--listen', '0.0.0.0:443', ...argv])).toMatchObject({
      listen: '0.0.0.0:443',
    });
  });
});

describe('the action', () => {
  test.each([
    { argv: ['--data', 'x'], action: 'run' },
    { argv: ['--data', 'x', '--check'], action: 'check' },
    { argv: ['--data', 'x', '--print-config'], action: 'print-config' },
    { argv: ['--help'], action: 'help' },
    { argv: ['--help', '--check'], action: 'help' },
  ])('$argv: $action', async ({ argv, action }) => {
    expect(await readConfig({ argv, environment: {} })).toMatchObject({ action });
  });

  test('--check rejects what running would reject', async () => {
    const argv = ['--check', '--data', 'x', '--account', '1'];
    await expect(readConfig({ argv, environment: {} })).rejects.toBeInstanceOf(ConfigError);
  });
});

test.each([
  ['127.0.0.1:8130', { host: '127.0.0.1', port: 8130 }],
  ['localhost:0', { host: 'localhost', port: 0 }],
  ['[::1]:443', { host: '::1', port: 443 }],
])('%s is a host and a port', (listen, expected) => {
  expect(listenAddress({ listen })).toEqual(expected);
});

test.each([
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['::1', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['127.0.0.1.example', false],
  ['localhost.example', false],
])('whether %s is loopback: %s', (host, expected) => {
  expect(isLoopbackHost(host)).toBe(expected);
});

test('the printed settings hide every secret', async () => {
  const argv = [
    '--clickhouse-password=hunter2',
    '--clickhouse-url=https://user:hunter2@ch:8443/?password=hunter2',
    '--database=postgres://nfm:hunter2@db/nfm?sslmode=require&sslpassword=hunter2&x=1',
  ];
  const printed = printConfig(await read(argv));
  expect(printed).not.toContain('hunter2');
  expect(printed).toContain('clickhousePassword: "(hidden)"');
  expect(printed).toContain(
    '"postgres://nfm:(hidden)@db/nfm?sslmode=require&sslpassword=(hidden)&x=1"',
  );
});

test('settings without secrets are printed unchanged', async () => {
  const printed = printConfig(await read(['--database=postgres://db:5432/nfm']));
  expect(printed).toContain('database: "postgres://db:5432/nfm"');
  expect(printed).toContain('clickhousePassword: ""');
  expect(printed.split('\n')).toHaveLength(Object.keys(SETTINGS).length + 1);
});

test('the help lists every setting with its default and environment name', async () => {
  const golden = join(import.meta.dirname, '..', '..', 'test', 'golden', 'server-help.txt');
  await expect(configHelp()).toMatchFileSnapshot(golden);
});
