import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { withSection } from '../lib/testing.ts';
import { optionsReference, parseAgentOptions } from './options.ts';

const PAGE = join(import.meta.dirname, '../../docs/reference/agent.md');

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** The text on standard error when the arguments are rejected. */
function errorOf(argv: readonly string[]): string {
  let text = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  expect(parseAgentOptions(argv)).toEqual({ status: 'exit', code: 1 });
  return text;
}

const ENDPOINT = ['--endpoint', 'https://example.org/publish'];

test("the defaults are the existing agent's, except for the time between readings", () => {
  const parsed = parseAgentOptions(ENDPOINT);
  expect(parsed).toMatchObject({
    status: 'run',
    options: {
      region: 'us-east-1',
      publishMillis: 30_000,
      jitterMillis: 5_000,
      aggregateMillis: 100,
      topK: 500,
      notrackMillis: 65_000,
      compression: 'gzip',
      logReports: false,
      publishReports: true,
      spoolFolder: undefined,
      spoolBytes: 64 * 1_048_576,
      proxy: undefined,
      caFile: undefined,
      instanceId: undefined,
      network: undefined,
      zone: undefined,
    },
  });
});

test("the existing agent's command line is accepted as it is", () => {
  const argv = [
    '-e',
    'https://x.org/publish',
    '-r',
    'eu-west-1',
    '-c',
    '/cg',
    '-k',
    'on',
    '-n',
    'on',
  ];
  const more = ['-s', '1', '-j', '0', '-a', '100', '-t', '10', '-v', '1', '-z', 'none', '-l', 'on'];
  expect(parseAgentOptions([...argv, ...more, '-u', 'off', '-p', 'off'])).toMatchObject({
    status: 'run',
    options: {
      region: 'eu-west-1',
      cgroup: '/cg',
      publishMillis: 1_000,
      jitterMillis: 0,
      aggregateMillis: 100,
      topK: 10,
      notrackMillis: 1_000,
      compression: 'none',
      logReports: true,
      usageData: false,
      publishReports: false,
      kubernetesMetadata: true,
      resolveNat: true,
    },
  });
});

test.each([
  { name: '--print', argv: ['--print'], wanted: { logReports: true, openMetrics: undefined } },
  {
    name: '--open-metrics',
    argv: ['--open-metrics', 'on'],
    wanted: { logReports: false, openMetrics: { address: '127.0.0.1', port: 9109 } },
  },
])('$name needs no endpoint', ({ argv, wanted }) => {
  const options = { endpoint: undefined, ...wanted };
  expect(parseAgentOptions(argv)).toMatchObject({ status: 'run', options });
});

test("an empty proxy means none: it is the existing agent's default", () => {
  expect(parseAgentOptions([...ENDPOINT, '--proxy', ''])).toMatchObject({
    options: { proxy: undefined },
  });
});

test('a spool of 0 MiB means none', () => {
  const spool = ['--spool-dir', '/var/lib/nfm', '--spool-mib'];
  expect(parseAgentOptions([...ENDPOINT, ...spool, '0'])).toMatchObject({
    options: { spoolFolder: undefined },
  });
  expect(parseAgentOptions([...ENDPOINT, ...spool, '1'])).toMatchObject({
    options: { spoolFolder: '/var/lib/nfm', spoolBytes: 1_048_576 },
  });
});

test.each([
  { name: 'no endpoint', argv: [], error: '--endpoint is required' },
  { name: 'an endpoint that is no URL', argv: ['-e', 'here'], error: 'absolute URL' },
  { name: 'an endpoint of another kind', argv: ['-e', 'ftp://x/'], error: 'http://' },
  { name: 'a proxy that is no URL', argv: [...ENDPOINT, '-x', 'proxy'], error: 'absolute URL' },
  { name: 'a spool too large', argv: [...ENDPOINT, '--spool-mib', '65537'], error: '0 to 65536' },
  { name: 'a period of 0', argv: [...ENDPOINT, '-s', '0'], error: 'from 1 to 600' },
  { name: 'a period of 601', argv: [...ENDPOINT, '-s', '601'], error: 'from 1 to 600' },
  { name: 'a fraction', argv: [...ENDPOINT, '-s', '1.5'], error: 'an integer' },
  { name: 'readings too often', argv: [...ENDPOINT, '-a', '99'], error: '100 to 60000' },
  { name: 'yes for on', argv: [...ENDPOINT, '-l', 'yes'], error: 'Must be off or on' },
  { name: 'an unknown option', argv: [...ENDPOINT, '--nonsense'], error: 'unknown option' },
])('$name is rejected, and the error names what is accepted', ({ argv, error }) => {
  expect(errorOf(argv)).toContain(error);
});

test('an option that is not on the command line is taken from its environment name', () => {
  vi.stubEnv('NFM_AGENT_ENDPOINT', 'https://example.org/publish');
  vi.stubEnv('NFM_AGENT_TOP_K', '7');
  vi.stubEnv('NFM_AGENT_USAGE_DATA', 'off');
  const options = { topK: 7, usageData: false, endpoint: new URL('https://example.org/publish') };
  expect(parseAgentOptions([])).toMatchObject({ status: 'run', options });
  expect(parseAgentOptions(['--top-k', '8'])).toMatchObject({ options: { topK: 8 } });
  vi.stubEnv('NFM_AGENT_TOP_K', 'many');
  expect(errorOf([])).toContain('NFM_AGENT_TOP_K');
});

test('the help names every option with its values, default and environment name', async () => {
  let help = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    help += String(chunk);
    return true;
  });
  expect(parseAgentOptions(['--help'])).toEqual({ status: 'exit', code: 0 });
  await expect(help).toMatchFileSnapshot('../../test/golden/agent-help.txt');
});

test('the reference page lists the options (vitest -u writes it)', async () => {
  const page = readFileSync(PAGE, 'utf8');
  await expect(withSection(page, 'options', optionsReference())).toMatchFileSnapshot(PAGE);
});
