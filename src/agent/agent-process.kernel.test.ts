import { execFileSync, type SpawnOptions, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { kernelCount, runTraffic, serveTraffic } from '../../test/lab/watched-lab.ts';
import { missingForLab } from '../lab/net/kernel-need.ts';
import { createLabNetwork, type LabHost, type LabNetwork } from '../lab/net/lab-network.ts';
import { checkoutRoot } from '../lib/checkout-root.ts';
import { type PlainMetric, plainIndex } from '../model/flow-metrics.ts';
import { decodeReport, type WireReport } from '../wire/otlp/decode-report.ts';
import { attachedPrograms } from './kernel/attached-programs.ts';

const missing = missingForLab();

const ROOT = checkoutRoot();

/** Each connection makes two flows, the client's and the server's. */
const CONNECTIONS = 50_000;

const HIDE_LIBBPF =
  'mount --bind /dev/null "$(readlink -f "$(ldconfig -p | sed -n "s/.*libbpf.so.1.* => //p" | head -1)")"';

/** A mount namespace in which the library is an empty file. */
const WITHOUT_LIBBPF = ['unshare', '--mount', 'sh', '-c', `${HIDE_LIBBPF} && exec "$0" "$@"`];

/** Builds the agent as one file from the current sources. */
function buildAgent(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nfm-agent-'));
  for (const name of ['node_modules', 'package.json', 'src']) {
    symlinkSync(join(ROOT, name), join(folder, name));
  }
  const config = join(folder, 'tsconfig.json');
  const compilerOptions = { rootDir: join(ROOT, 'src'), outDir: join(folder, 'dist') };
  const files = [join(ROOT, 'src/agent/main.ts')];
  const extend = join(ROOT, 'tsconfig.build.json');
  writeFileSync(config, JSON.stringify({ extends: extend, compilerOptions, files, include: [] }));
  execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', config], { stdio: 'inherit' });
  const program = join(folder, 'agent.mjs');
  const text = "const { runAgent } = await import('./dist/agent/main.js');";
  writeFileSync(program, `${text}\nprocess.exitCode = await runAgent(process.argv.slice(2));\n`);
  return folder;
}

describe.skipIf(missing !== undefined)(`the agent's process ${missing ?? ''}`, () => {
  let folder: string;
  let network: LabNetwork;
  let host: LabHost;
  let server: Server;
  let reports: WireReport[];
  let answer: number;

  beforeAll(async () => {
    folder = buildAgent();
    network = await createLabNetwork({
      number: 2,
      hosts: [
        { name: 'a', address: '10.203.3.2/24', gateway: '10.203.3.1' },
        { name: 'b', address: '10.203.4.2/24', gateway: '10.203.4.1' },
      ],
    });
    host = network.host('a');
    await serveTraffic(network, 'b', 9000);
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        // The agent first sends a HEAD to learn the server's time.
        if (answer === 200 && request.method === 'POST')
          reports.push(decodeReport(gunzipSync(Buffer.concat(chunks))));
        response.statusCode = answer;
        response.end('{"message":"no such key"}');
      });
    });
    await once(server.listen(0, host.rootAddress), 'listening');
  });
  afterAll(async () => {
    await network?.stop();
    server?.closeAllConnections();
    server?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    reports = [];
    answer = 200;
  });

  const program = () => [process.execPath, join(folder, 'agent.mjs')];

  function startAgent(
    publishSecs: number,
    options: SpawnOptions = { stdio: 'ignore' },
    flags: readonly string[] = [],
  ) {
    const { port } = server.address() as AddressInfo;
    const endpoint = `http://${host.rootAddress}:${port}/publish`;
    const period = ['-s', String(publishSecs), '-j', '0', '-a', '100'];
    const argv = [...program(), '-e', endpoint, ...period, '-c', host.cgroup];
    return network.spawn('a', [...argv, '--instance-id', 'i-0123456789abcdef0', ...flags], {
      outsideCgroup: true,
      env: { ...process.env, AWS_ACCESS_KEY_ID: 'AK', AWS_SECRET_ACCESS_KEY: 'SK' },
      ...options,
    });
  }

  async function until(condition: () => boolean): Promise<void> {
    for (let waits = 0; !condition(); waits += 1) {
      if (waits === 400) throw new Error('nothing came in 20 seconds');
      await delay(50);
    }
  }

  const attached = () => attachedPrograms(host.cgroup).length > 0;

  test('reports the connections of its host, in numbered reports of one run', async () => {
    const agent = startAgent(1);
    await until(attached);
    const { bytesWritten } = await runTraffic(network, 'a', [
      'send',
      '10.203.4.2',
      9000,
      1_000_000,
    ]);
    const sum = () =>
      reports
        .flatMap(({ flows }) => flows)
        .reduce((all, { values }) => all + (values[plainIndex('bytes_delivered')] ?? 0), 0);
    await until(() => reports.length > 2 && sum() > 0);
    const ended = once(agent, 'exit');
    agent.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(sum()).toBe(bytesWritten + 2);
    const sequences = reports.map(({ resource }) => resource.get('report.sequence'));
    expect(sequences).toEqual(sequences.map((_, i) => BigInt(i + 1)));
    expect(new Set(reports.map(({ resource }) => resource.get('agent.run_id'))).size).toBe(1);
    const { resource } = reports[0]!;
    expect(resource.get('instance-id')).toBe('i-0123456789abcdef0');
    expect(resource.get('nfm.interfaces')).toContain('eth0 link 10.203.3.2/24');
    expect(resource.get('nfm.default_route')).toBe('10.203.3.1 eth0');
    expect(attached()).toBe(false);
  });

  test('reports what it counted when its terminal closes, as when it is asked to stop', async () => {
    const agent = startAgent(600);
    await until(attached);
    const { bytesWritten } = await runTraffic(network, 'a', ['send', '10.203.4.2', 9000, 100_000]);
    const ended = once(agent, 'exit');
    agent.kill('SIGHUP');
    expect(await ended).toEqual([0, null]);
    const bytes = reports
      .flatMap(({ flows }) => flows)
      .reduce((sum, { values }) => sum + (values[plainIndex('bytes_delivered')] ?? 0), 0);
    expect(bytes).toBe(bytesWritten + 2);
  });

  test('goes on sending when nobody reads what it prints, and stops when it only prints', async () => {
    const stdio: SpawnOptions = { stdio: ['ignore', 'pipe', 'pipe'] };
    const sending = startAgent(1, stdio, ['-l', 'on']);
    sending.stdout?.destroy();
    await until(() => reports.length > 3);
    sending.kill('SIGTERM');
    expect(await once(sending, 'exit')).toEqual([0, null]);
    const argv = [...program(), '--print', '-s', '1', '-j', '0', '-c', host.cgroup];
    const printing = network.spawn('a', argv, { outsideCgroup: true, ...stdio });
    printing.stdout?.once('data', () => printing.stdout?.destroy());
    expect(await once(printing, 'exit')).toEqual([0, null]);
  });

  test('without libbpf it reports through netlink, and logs that', async () => {
    const { port } = server.address() as AddressInfo;
    const endpoint = `http://${host.rootAddress}:${port}/publish`;
    const options = ['-e', endpoint, '-s', '1', '-j', '0', '--instance-id', 'i-1'];
    const agent = network.spawn('a', [...WITHOUT_LIBBPF, ...program(), ...options], {
      outsideCgroup: true,
      env: { ...process.env, AWS_ACCESS_KEY_ID: 'AK', AWS_SECRET_ACCESS_KEY: 'SK' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    agent.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    await until(() => reports.length > 0);
    await runTraffic(network, 'a', ['send', '10.203.4.2', 9000, 1_000_000]);
    const ofThisHost = () =>
      reports
        .flatMap(({ flows }) => flows)
        .filter(({ key }) => key.local_address === '10.203.3.2' && key.remote_port === 9000);
    await until(() => ofThisHost().length > 0);
    const [flow] = ofThisHost();
    expect(flow?.values[plainIndex('bytes_delivered')]).toBe(1_000_000 + 'sink\n'.length + 2);
    expect(stderr).toContain('netlink instead of eBPF');
    expect(stderr).toContain('libbpf.so.1 is missing');
    const ended = once(agent, 'exit');
    agent.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  test('flows beyond --top-k are added up, and nothing is missing', async () => {
    const agent = startAgent(600, { stdio: 'ignore' }, ['--top-k', '1']);
    await until(attached);
    await runTraffic(network, 'a', ['many', '10.203.4.2', 9000, 3]);
    await runTraffic(network, 'a', ['connect', '10.203.3.2', 9001, 1_000]);
    await runTraffic(network, 'a', ['connect', '10.203.4.2', 9001, 1_000]);
    const ended = once(agent, 'exit');
    agent.kill('SIGTERM');
    await ended;
    const [report] = reports;
    expect(report?.flows).toHaveLength(1);
    const rows = [...(report?.flows ?? []), ...(report?.remainders ?? [])];
    const attempts = rows.reduce((sum, { values }) => {
      return sum + (values[plainIndex('connect_attempts')] ?? 0);
    }, 0);
    expect(attempts).toBe(3 + 1 + 1);
    expect(report?.counters.flows_cut).toBe(2);
  });

  test.each([
    { name: 'in one window', publishSecs: 600, port: 9100 },
    { name: 'in windows of a second', publishSecs: 1, port: 9101 },
  ])(
    '100,000 flows $name: no report is too large or missing, and all add up',
    async ({ publishSecs, port }) => {
      await serveTraffic(network, 'a', port);
      const agent = startAgent(publishSecs);
      await until(attached);
      // The agent opens connections too, but not to this host.
      const accepted = () => kernelCount(network, 'a', 'PassiveOpens');
      const before = await accepted();
      await runTraffic(network, 'a', ['spread', port, CONNECTIONS]);
      expect((await accepted()) - before).toBe(CONNECTIONS);
      const ended = once(agent, 'exit');
      agent.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
      const sequences = reports.map(({ resource }) => resource.get('report.sequence'));
      expect(sequences).toEqual(sequences.map((_, i) => BigInt(i + 1)));
      for (const { flows, remainders } of reports) {
        expect(flows.length).toBeLessThanOrEqual(500);
        expect(remainders.length).toBeLessThanOrEqual(2);
      }
      const rows = reports.flatMap(({ flows, remainders }) => [...flows, ...remainders]);
      const sum = (metric: PlainMetric, of = rows) =>
        of.reduce((all, { values }) => all + (values[plainIndex(metric)] ?? 0), 0);
      expect(sum('connect_attempts')).toBe(CONNECTIONS);
      expect(sum('sockets_completed')).toBe(2 * CONNECTIONS);
      // The bytes of both ends: "echo\nhello" and "hello", one SYN and two FINs.
      expect(sum('bytes_delivered')).toBe(CONNECTIONS * (10 + 5 + 3));
      expect(sum('bytes_received')).toBe(CONNECTIONS * (10 + 5 + 2));
      const counters = (name: string) =>
        reports.reduce((all, report) => all + Number(report.counters[name] ?? 0), 0);
      expect(counters('map_insertion_errors') + counters('socket_agg_above_limit')).toBe(0);
      expect(counters('publish_report_failed')).toBe(0);
      if (reports.length > 1) return;
      expect(reports[0]?.flows.length).toBe(500);
      expect(counters('flows_cut')).toBe(2 * CONNECTIONS - 500);
    },
  );

  test('once attached it works with one capability, which programs it starts cannot extend', async () => {
    const agent = startAgent(1);
    const status = (): string => readFileSync(`/proc/${agent.pid}/status`, 'utf8');
    const CAP_BPF_ONLY = '0000008000000000';
    await until(() => attached() && status().includes(`CapEff:\t${CAP_BPF_ONLY}`));
    expect(status()).toContain(`CapPrm:\t${CAP_BPF_ONLY}`);
    expect(status()).toMatch(/NoNewPrivs:\s+1/);
    const before = reports.length;
    await runTraffic(network, 'a', ['many', '10.203.4.2', 9000, 5]);
    const attempts = () =>
      reports
        .slice(before)
        .flatMap(({ flows }) => flows)
        .reduce((sum, { values }) => sum + (values[plainIndex('connect_attempts')] ?? 0), 0);
    await until(() => attempts() === 5);
    const ended = once(agent, 'exit');
    agent.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(attached()).toBe(false);
  });

  test.each([
    { name: 'options', env: (path: string) => ({ NFM_AGENT_CONFIG: path }) },
    { name: 'credentials file', env: (path: string) => ({ AWS_SHARED_CREDENTIALS_FILE: path }) },
  ])('$name that anyone may change are rejected', ({ name, env }) => {
    const path = join(folder, 'writable');
    writeFileSync(path, '');
    chmodSync(path, 0o666);
    const [file = '', ...args] = [...program(), '-e', 'http://127.0.0.1:9/publish'];
    const options = { encoding: 'utf8', env: { ...process.env, ...env(path) } } as const;
    const { status, stderr } = spawnSync(file, args, options);
    expect(stderr).toContain(`anyone may change the ${name} ${path}`);
    expect(status).toBe(1);
  });

  test('kill -9 leaves nothing attached', async () => {
    const agent = startAgent(600);
    await until(attached);
    const ended = once(agent, 'exit');
    agent.kill('SIGKILL');
    await ended;
    await until(() => !attached());
  });

  test('a key that the server rejects ends it with one line that has the remedy', async () => {
    answer = 403;
    const agent = startAgent(1, { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    agent.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    expect(await once(agent, 'close')).toEqual([1, null]);
    // The other lines are the log's, each a JSON object.
    const lines = stderr.split('\n').filter((line) => line.startsWith('nfm agent: '));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('cannot send reports (403 {"message":"no such key"})');
    expect(lines[0]).toContain('AWS_PROFILE');
    expect(attached()).toBe(false);
  });

  test.each([
    {
      name: 'a folder that is no cgroup',
      wrap: [],
      argv: ['-c', '/tmp'],
      blames: '--cgroup must be a folder of a cgroup v2 mount',
    },
    {
      name: 'a missing folder',
      wrap: [],
      argv: ['-c', '/no/such'],
      blames: '--cgroup must be a folder of a cgroup v2 mount',
    },
    {
      name: 'no privileges',
      wrap: ['setpriv', '--bounding-set=-all', '--inh-caps=-all'],
      argv: ['--collector', 'ebpf'],
      blames: 'the agent needs root',
    },
    {
      name: 'neither eBPF nor netlink',
      wrap: ['setpriv', '--bounding-set=-all', '--inh-caps=-all'],
      argv: ['--collector', 'netlink'],
      blames: 'cannot receive netlink events (EPERM): run the agent as root',
    },
    {
      name: 'no libbpf',
      wrap: WITHOUT_LIBBPF,
      argv: ['--collector', 'ebpf'],
      blames: 'libbpf.so.1 is missing: apt-get install libbpf1',
    },
  ])('$name: it fails with one line that has the remedy', ({ wrap, argv, blames }) => {
    const always = ['-e', 'http://127.0.0.1:9/publish', '--instance-id', 'i'];
    const [file = '', ...args] = [...wrap, ...program(), ...always, ...argv];
    const { status, stderr } = spawnSync(file, args, { encoding: 'utf8' });
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain(blames);
    expect(status).toBe(1);
  });
});
