import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../lib/log.ts';
import type { MetricDescription } from '../lib/metrics.ts';
import type { AnySetting } from '../lib/setting.ts';
import { LIMITS, type Limit } from '../model/limits.ts';
import { composeServer } from './compose/compose-server.ts';
import { environmentOf, flagOf, readConfig, SETTINGS } from './config.ts';

const reference = (name: string) => join(import.meta.dirname, '../../docs/reference', name);

let folder: string;
let metrics: readonly MetricDescription[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nfm-reference-'));
  metrics = await metricsOfServer(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Composes a server with every part enabled, does not start it, and returns its metrics. */
async function metricsOfServer(data: string): Promise<readonly MetricDescription[]> {
  const argv = [
    ...['--data', data, '--kubernetes', 'a=in-cluster', '--aws-topology'],
    ...['--aws-ip-ranges', '/nowhere.json', '--throttle-reads-per-second', '1'],
  ];
  const { config } = await readConfig({ argv, environment: {} });
  return (await composeServer(config, silentLog)).metrics.describe();
}

test('docs/reference/server.md is generated from the current settings; `vitest run -u` rewrites it', async () => {
  await expect(serverReference()).toMatchFileSnapshot(reference('server.md'));
});

test('docs/reference/metrics.md is generated from the current metrics; `vitest run -u` rewrites it', async () => {
  await expect(metricsReference(metrics)).toMatchFileSnapshot(reference('metrics.md'));
});

test('docs/reference/limits.md is generated from the limits; `vitest run -u` rewrites it', async () => {
  await expect(limitsReference()).toMatchFileSnapshot(reference('limits.md'));
});

test('every limit names a metric and a setting that exist', () => {
  const limits: readonly Limit[] = Object.values(LIMITS);
  const names = new Set(metrics.map(({ name }) => name));
  const flags = new Set(Object.keys(SETTINGS).map((key) => `--${flagOf(key)}`));
  const named = limits.flatMap(({ metric }) => metric ?? []);
  const settings = limits.flatMap(({ perAccount, total }) =>
    [perAccount, total].flatMap((bound) => String(bound).match(/--[a-z-]+/)?.[0] ?? []),
  );
  expect(named.filter((name) => !names.has(name))).toEqual([]);
  expect(settings.filter((flag) => !flags.has(flag))).toEqual([]);
});

test('every metric has a help text', () => {
  const short = metrics.filter(({ help }) => !/^[A-Z0-9].{10,}$/.test(help));
  expect(short).toEqual([]);
});

test('the composed server has every metric that the sources name', () => {
  const source = join(import.meta.dirname, '..');
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /(?<!\.test)\.ts$/.test(file) && !/^(agent|lab)\//.test(file),
  );
  const named = files.flatMap((file) => {
    const text = readFileSync(join(source, file), 'utf8');
    return [...text.matchAll(/name: '(nfm_\w+)'/g)].map(([, name]) => name);
  });
  expect(metrics.map(({ name }) => name)).toEqual([...new Set(named)].sort());
});

test('every setting has a help text', () => {
  const short = Object.entries(SETTINGS).filter(([, { help }]) => help.length < 10);
  expect(short).toEqual([]);
});

function serverReference(): string {
  const rows = Object.entries(SETTINGS).map(([key, setting]) => [
    `\`--${flagOf(key)}\``,
    `\`${environmentOf(key)}\``,
    `\`${key}\``,
    valuesOf(setting),
    setting.fallback === '' ? '' : `\`${setting.fallback}\``,
    setting.help,
  ]);
  return `# Settings of the server

Generated from \`src/server/config.ts\` by \`src/server/reference.test.ts\`.

A flag overrides the environment, which overrides the YAML file of \`--config\` (by key), which
overrides the default. \`nfm server --check\` checks the settings, and \`--print-config\` prints the
effective ones without their secrets. The server exits with 2 when a setting is invalid.

${table(['flag', 'environment', 'key', 'values', 'default', 'meaning'], rows)}`;
}

function valuesOf(setting: AnySetting): string {
  if (setting.kind === 'boolean') return '`true`, `false`';
  if (setting.kind === 'string') return 'text';
  const [min, max] = setting.range ?? [];
  return min === undefined ? 'integer' : `integer, ${min} to ${max}`;
}

function metricsReference(described: readonly MetricDescription[]): string {
  const rows = described.map(({ name, type, labels, help }) => [
    `\`${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(', '),
    help,
  ]);
  return `# Metrics of the server

Generated from the composed server by \`src/server/reference.test.ts\`.

\`GET /metrics\` answers in Prometheus's text format. A program on the same host needs no signature;
others do. An agent has metrics of its own: see [agent.md](agent.md).

${table(['metric', 'type', 'labels', 'meaning'], rows)}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ').replaceAll('|  |', '| |')} |`;
  return `${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}\n`;
}

function limitsReference(): string {
  const limits: readonly Limit[] = Object.values(LIMITS);
  const bound = (value: number | string | undefined) => {
    if (value === undefined) return '';
    if (typeof value === 'string') return value.startsWith('--') ? `\`${value}\`` : value;
    return value.toLocaleString('en-US');
  };
  const rows = limits.map(
    ({ holds, perAccount, total, metric, beyond }) =>
      `| ${holds} | ${bound(perAccount)} | ${bound(total)} | ${metric === undefined ? '' : `\`${metric}\``} | ${beyond} |`,
  );
  return `# Limits

Generated from the code (\`src/model/limits.ts\`). Each row is a table, queue or cache of one server.
Where an account's requests can fill it, the account has a bound, or the account with the most gives
way to the others, so no account takes the room of another.

| holds | per account | in all | counter | beyond |
|---|---|---|---|---|
${rows.join('\n')}
`;
}
