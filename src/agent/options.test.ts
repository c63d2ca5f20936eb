import { afterEach, expect, test, vi } from 'vitest';
import { parseAgentOptions } from './options.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** What is written to standard error while the arguments are read. */
function refused(argv: readonly string[]): string {
  let text = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  expect(parseAgentOptions(argv)).toEqual({ status: 'exit', code: 1 });
  return text;
}

const ENDPOINT = ['--endpoint', 'https://example.org/publish'];

test("the defaults are the existing agent's, but for how often it reads", () => {
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

test("the existing agent's command line is taken as it is", () => {
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

test("an empty proxy is none, as the existing agent's default is", () => {
  expect(parseAgentOptions([...ENDPOINT, '--proxy', ''])).toMatchObject({
    options: { proxy: undefined },
  });
});

test('a spool of 0 MiB is none', () => {
  const spool = ['--spool-dir', '/var/lib/nfm', '--spool-mib'];
  expect(parseAgentOptions([...ENDPOINT, ...spool, '0'])).toMatchObject({
    options: { spoolFolder: undefined },
  });
  expect(parseAgentOptions([...ENDPOINT, ...spool, '1'])).toMatchObject({
    options: { spoolFolder: '/var/lib/nfm', spoolBytes: 1_048_576 },
  });
});

test.each([
  { name: 'no endpoint', argv: [], says: '--endpoint is needed' },
  { name: 'an endpoint that is no URL', argv: ['-e', 'here'], says: 'whole URL' },
  { name: 'an endpoint of another kind', argv: ['-e', 'ftp://x/'], says: 'http://' },
  { name: 'a proxy that is no URL', argv: [...ENDPOINT, '-x', 'proxy'], says: 'whole URL' },
  { name: 'a spool too large', argv: [...ENDPOINT, '--spool-mib', '65537'], says: '0 to 65536' },
  { name: 'a period of 0', argv: [...ENDPOINT, '-s', '0'], says: 'from 1 to 600' },
  { name: 'a period of 601', argv: [...ENDPOINT, '-s', '601'], says: 'from 1 to 600' },
  { name: 'a fraction', argv: [...ENDPOINT, '-s', '1.5'], says: 'whole number' },
  { name: 'readings too often', argv: [...ENDPOINT, '-a', '99'], says: '100 to 60000' },
  { name: 'yes for on', argv: [...ENDPOINT, '-l', 'yes'], says: 'on' },
  { name: 'an unknown option', argv: [...ENDPOINT, '--nonsense'], says: 'unknown option' },
])('$name is refused with what would be right', ({ argv, says }) => {
  expect(refused(argv)).toContain(says);
});
