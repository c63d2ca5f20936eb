import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { inProcessTransport } from '../../test/in-process-api.ts';
import { jsonAnswer } from '../api/json-answer.ts';
import { type MemoryApi, memoryApi } from '../api/testing.ts';
import type { ExtensionRoute } from '../api/v1/extension-route.ts';
import { NetworkFlowMonitorClient } from '../client/network-flow-monitor-client.ts';
import { checkoutRoot } from '../lib/checkout-root.ts';
import { FakeClock } from '../lib/clock.ts';
import type { CliContext } from './lib/cli-context.ts';
import { createProgram } from './program.ts';

const golden = join(checkoutRoot(), 'test/golden/cli');

class Terminal {
  readonly memory: MemoryApi = memoryApi();
  readonly stop = new AbortController();
  readonly pauses: number[] = [];
  isTerminal = false;
  text = '';

  /** Runs one command line and returns its output. */
  async run(...argv: string[]): Promise<string> {
    this.text = '';
    await createProgram(this.context()).parseAsync(argv, { from: 'user' });
    return this.text;
  }

  context(): CliContext {
    const terminal = this;
    return {
      out: {
        write(text) {
          terminal.text += text;
        },
        isTerminal: this.isTerminal,
      },
      environment: { endpoint: 'http://127.0.0.1:8130', region: 'us-east-1' },
      clock: new FakeClock(Date.UTC(2025, 10, 1, 13)),
      connect: () => new NetworkFlowMonitorClient({ transport: inProcessTransport(this.memory) }),
      sleep: async (millis) => {
        this.pauses.push(millis);
        if (this.pauses.length === 2) this.stop.abort();
      },
      signal: this.stop.signal,
    };
  }
}

async function withScope(): Promise<Terminal> {
  const terminal = new Terminal();
  await terminal.run(
    'scope',
    'create',
    '--target',
    '123456789012',
    '--target',
    '123456789013@eu-west-1',
  );
  return terminal;
}

/** The words of this command and of every command below it. */
function commandsOf(command: Command, words: readonly string[] = []): (readonly string[])[] {
  return [
    words,
    ...command.commands.flatMap((child) => commandsOf(child, [...words, child.name()])),
  ];
}

const everyCommand = commandsOf(createProgram(new Terminal().context())).map((words) => ({
  line: ['nfm', ...words].join(' '),
  words,
}));
test.each(everyCommand)('the help of $line', async ({ line, words }) => {
  const terminal = new Terminal();
  await expect(terminal.run(...words, '--help')).rejects.toMatchObject({ exitCode: 0 });
  await expect(terminal.text).toMatchFileSnapshot(join(golden, `${line.replaceAll(' ', '-')}.txt`));
});

test('every command, argument and option has a help text', async () => {
  const silent = (command: Command): string[] => [
    ...[command, ...command.registeredArguments, ...command.options]
      .filter(
        ({ description }) =>
          (typeof description === 'string' ? description : command.description()) === '',
      )
      .map((part) => `${command.name()} ${part instanceof Command ? '' : part.name()}`),
    ...command.commands.flatMap(silent),
  ];
  expect(silent(createProgram(new Terminal().context()))).toEqual([]);
});

test('a scope is created for the given targets, each in its Region, and found again', async () => {
  const terminal = await withScope();
  const [scope] = [...terminal.memory.scopes.values()];
  expect(scope?.targets).toEqual([
    { account: '123456789012', region: 'us-east-1' },
    { account: '123456789013', region: 'eu-west-1' },
  ]);
  expect(JSON.parse(await terminal.run('scope', 'get'))).toMatchObject({ status: 'SUCCEEDED' });
  expect(await terminal.run('scope', 'list')).toContain('SUCCEEDED');
});

test('the error for a missing scope names the command that creates one', async () => {
  await expect(new Terminal().run('query', 'workload-insights')).rejects.toThrow(
    'run nfm scope create',
  );
});

test('a monitor accepts short and full resource types and uses the only scope', async () => {
  const terminal = await withScope();
  await terminal.run(
    'monitor',
    'create',
    'web',
    '--local',
    'vpc=vpc-03ea55eeda25adbb0',
    '--local',
    'AWS::Region=us-east-1',
    '--remote',
    'service=S3',
    '--tag',
    'a=b=c',
  );
  expect([...terminal.memory.monitors.values()]).toMatchObject([
    {
      monitorName: 'web',
      localResources: [
        { type: 'AWS::EC2::VPC', identifier: 'vpc-03ea55eeda25adbb0' },
        { type: 'AWS::Region', identifier: 'us-east-1' },
      ],
      remoteResources: [{ type: 'AWS::AWSService', identifier: 'S3' }],
      scopeArn: expect.stringContaining(':scope/'),
      tags: { a: 'b=c' },
    },
  ]);
  await terminal.run('monitor', 'delete', 'web');
  expect(await terminal.run('monitor', 'list')).toBe('NAME  STATUS  ARN\n');
});

test('a scope update adds and deletes accounts and waits for the topology', async () => {
  const terminal = await withScope();
  const text = await terminal.run(
    'scope',
    'update',
    '--add',
    '123456789014',
    '--delete',
    '123456789013@eu-west-1',
    '--wait',
  );
  expect(JSON.parse(text)).toMatchObject({ status: 'SUCCEEDED' });
  expect([...terminal.memory.scopes.values()][0]?.targets).toEqual([
    { account: '123456789012', region: 'us-east-1' },
    { account: '123456789014', region: 'us-east-1' },
  ]);
});

test('a monitor update adds and removes local and remote resources', async () => {
  const terminal = await withScope();
  await terminal.run('monitor', 'create', 'web', '--local', 'az=use1-az1');
  const update = ['monitor', 'update', 'web'];
  await terminal.run(...update, '--add-local', 'az=use1-az2', '--add-remote', 'service=S3');
  const text = await terminal.run(
    ...update,
    '--remove-local',
    'az=use1-az1',
    '--remove-remote',
    'service=S3',
  );
  expect(JSON.parse(text)).toMatchObject({
    localResources: [{ type: 'AWS::AvailabilityZone', identifier: 'use1-az2' }],
    remoteResources: [],
  });
});

test.each(['scope', 'scope/ID', 'monitor/web', 'an ARN'])(
  'tags of %s are set, listed and removed',
  async (named) => {
    const terminal = await withScope();
    await terminal.run('monitor', 'create', 'web', '--local', 'az=use1-az1');
    const [scope] = [...terminal.memory.scopes.values()];
    const resource =
      { 'scope/ID': `scope/${scope?.scopeId}`, 'an ARN': scope?.scopeArn ?? '' }[named] ?? named;
    await terminal.run('tag', resource, 'team=net', 'stage=a=b');
    expect(await terminal.run('tags', resource)).toBe('KEY    VALUE\nteam   net\nstage  a=b\n');
    await terminal.run('untag', resource, 'team', 'never');
    expect(JSON.parse(await terminal.run('tags', resource, '--json'))).toEqual({ stage: 'a=b' });
  },
);

test('a query of all categories merges their rows, highest first, as a table or as exact JSON', async () => {
  const terminal = await withScope();
  terminal.memory.answers.set('WorkloadInsightsTopContributors', {
    kind: 'WorkloadInsightsTopContributors',
    rows: [{ localAz: 'use1-az1', value: 2n ** 53n + 1n }, { value: 2048n }],
  });
  const table = await terminal.run('query', 'workload-insights', '--limit', '12', '--since', '15m');
  const lines = table.trimEnd().split('\n');
  expect(lines).toHaveLength(13);
  expect(lines[1]).toMatch(/9\.01 PB {2}INTER_VPC +- +use1-az1/);
  expect(lines[12]).toContain('2.05 KB');
  const queries = [...terminal.memory.queries.values()];
  expect(new Set(queries.map(({ category }) => category)).size).toBe(11);
  expect(queries[0]).toMatchObject({ startSeconds: 1_762_001_100, endSeconds: 1_762_002_000 });

  const json = await terminal.run('query', 'workload-insights', '--category', 'inter-az', '--json');
  expect(json).toContain('"value": 9007199254740993');
});

test('control characters from the network do not reach the terminal', async () => {
  const terminal = await withScope();
  terminal.memory.answers.set('WorkloadInsightsTopContributors', {
    kind: 'WorkloadInsightsTopContributors',
    rows: [{ localAz: 'az\u001b[2J', value: 1n }],
  });
  const table = await terminal.run('query', 'workload-insights', '--category', 'internet');
  expect(table).toContain('az?[2J');
});

test('top redraws a terminal until Ctrl-C, and prints one table after another to a pipe', async () => {
  for (const isTerminal of [true, false]) {
    const terminal = await withScope();
    terminal.isTerminal = isTerminal;
    const text = await terminal.run('top', '--category', 'internet', '--interval', '7');
    expect(terminal.pauses).toEqual([7000, 7000]);
    expect(text.split('Data transferred in the last 300 s')).toHaveLength(3);
    expect(text.includes('\u001b[H')).toBe(isTerminal);
  }
});

test('top --once prints the flows of a monitor and exits', async () => {
  const terminal = await withScope();
  terminal.memory.answers.set('MonitorTopContributors', {
    kind: 'MonitorTopContributors',
    unit: 'Microseconds',
    rows: [{ localIp: '10.0.0.1', remoteIp: '10.0.0.2', targetPort: 443, value: 1234n }],
  });
  const text = await terminal.run(
    'top',
    '--once',
    '--monitor',
    'web',
    '--metric',
    'round-trip-time',
    '--category',
    'intra-az',
  );
  expect(text).toContain('1.23 ms  INTRA_AZ  10.0.0.1  10.0.0.2    443');
  expect(terminal.pauses).toEqual([]);
  const plain = terminal.run('top', '--once', '--metric', 'round-trip-time');
  await expect(plain).rejects.toThrow('add --monitor NAME');
});

test('topology status without a source names the options that add one', async () => {
  const terminal = await withScope();
  const nothing = { resources: {}, sources: [], warnings: [], issues: { counts: {}, named: [] } };
  const route: ExtensionRoute = {
    method: 'GET',
    path: '/api/v1/topology/status',
    action: 'nfm:GetTopologyStatus',
    answer: async () => jsonAnswer(nothing),
  };
  Object.assign(terminal.memory.deps, { extensionRoutes: [route] });
  const text = await terminal.run('topology', 'status');
  expect(text).toMatch(/^Only agents so far.*\nMore is known with --aws-topology/);
});

test('topology path prints the path, its translated addresses and the return path', async () => {
  const terminal = await withScope();
  const step = (componentId: string) => ({ componentId, componentType: 'AWS::EC2::Instance' });
  const asked: string[] = [];
  const route: ExtensionRoute = {
    method: 'GET',
    path: '/api/v1/topology/path',
    action: 'nfm:GetTopologyPath',
    answer: async ({ request }) => {
      asked.push(request.target);
      return jsonAnswer({
        there: {
          constructs: [step('i-1'), { serviceName: 'Amazon S3\u001b[2J' }],
          snatAddress: '192.0.2.1',
          dnatAddress: '',
        },
        back: { constructs: [step('i-2')], snatAddress: '', dnatAddress: '' },
      });
    },
  };
  Object.assign(terminal.memory.deps, { extensionRoutes: [route] });
  const text = await terminal.run('topology', 'path', '10.0.0.1', '::1', '--at', '2027-01-15');
  expect(asked).toEqual(['/api/v1/topology/path?from=10.0.0.1&to=%3A%3A1&at=2027-01-15']);
  expect(text).toBe(
    [
      'STEP           TYPE',
      'i-1            AWS::EC2::Instance',
      'Amazon S3?[2J  -',
      '',
      'source address after NAT: 192.0.2.1',
      '',
      'return path:',
      'STEP  TYPE',
      'i-2   AWS::EC2::Instance',
      '',
    ].join('\n'),
  );
});

const mistakes = [
  {
    argv: ['query', 'monitor', 'm', '--limit', '501'],
    message: '--limit must be an integer from 1 to 500',
  },
  { argv: ['query', 'monitor', 'm', '--since', '5'], message: 'such as 90s, 5m, 1h or 2d' },
  {
    argv: ['query', 'monitor', 'm', '--category', 'lan'],
    message: 'must be one of all, inter-vpc',
  },
  {
    argv: ['query', 'workload-insights', '--metric', 'round-trip-time'],
    message: 'must be one of timeouts, retransmissions',
  },
  { argv: ['monitor', 'create', 'm', '--local', 'service=S3'], message: 'vpc, subnet, az' },
  { argv: ['scope', 'create', '--target', '1'], message: '12 digits' },
  { argv: ['scope', 'create', '--tag', 'a'], message: 'KEY=VALUE' },
  { argv: ['scope', 'update', '--add', '1'], message: '12 digits' },
  { argv: ['monitor', 'update', 'm', '--add-local', 'service=S3'], message: 'vpc, subnet, az' },
  { argv: ['tag', 'scope', 'a'], message: 'KEY=VALUE' },
  {
    argv: ['tags', 'web'],
    message: 'must be scope (the only one), scope/ID, monitor/NAME or an ARN',
  },
  { argv: ['bogus'], message: "unknown command 'bogus'" },
];
test.each(mistakes)('$argv is rejected with the accepted values', async ({ argv, message }) => {
  await expect(new Terminal().run(...argv)).rejects.toThrow(message);
});

test('contract prints the documents, or writes a model where botocore finds it', async () => {
  const terminal = new Terminal();
  expect(JSON.parse(await terminal.run('contract', 'openapi')).openapi).toBe('3.1.0');
  const model = JSON.parse(await terminal.run('contract', 'botocore'));
  const folder = mkdtempSync(join(tmpdir(), 'nfm-model-'));
  await terminal.run('contract', 'botocore', '--dir', folder);
  const file = join(folder, 'networkflowmonitor/2023-04-19/service-2.json');
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(model);
  rmSync(folder, { recursive: true });
});

test('bin/nfm sets the thread pool to 16 threads before its first use', async () => {
  const folder = join(checkoutRoot(), 'bin');
  const script = `
    process.argv[2] = 'none';
    require(${JSON.stringify(join(folder, 'nfm'))});
    for (let i = 0; i < 32; i += 1) require('node:crypto').pbkdf2('a', 'b', 1e5, 64, 'sha512', () => {});
    console.log(require('node:fs').readdirSync('/proc/self/task').length);
    process.exit(0);
  `;
  const { UV_THREADPOOL_SIZE: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], { env });
  expect(Number(stdout)).toBeGreaterThan(16);
});
