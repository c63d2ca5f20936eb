import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { missingForLab } from '../../src/lab/net/kernel-need.ts';
import { createLabNetwork, type LabNetwork } from '../../src/lab/net/lab-network.ts';
import { ServerProcess } from '../../src/lab/server-process.ts';
import { countRows, queryStopped } from './count-rows.ts';

const missing = missingForLab();

const HOST = '10.203.21.2';
/** Fixed, so that a restarted server has the same address. */
const PORT = 18_153;
const PORTS = 60;
const HOUR = 3_600_000;
const WAIT_MILLIS = 25;

/** How long the server is away, as a number of reports, one per second: 600 is ten minutes. */
const OUTAGE_REPORTS = Number(process.env.NFM_TEST_OUTAGE_REPORTS ?? 4);
const MAX_MILLIS = 60_000 + OUTAGE_REPORTS * 1_500;

/** A report in the agent's printed form. */
interface Printed {
  readonly identity: { readonly runId: string; readonly sequence: number };
  readonly flows: readonly unknown[];
  readonly counters: Readonly<Record<string, number>>;
}

describe.skipIf(missing !== undefined)(`the delivery of reports ${missing ?? ''}`, () => {
  let folder: string;
  let network: LabNetwork;
  let server: ServerProcess;
  let agent: ChildProcess;
  let printed: Printed[];
  /**
   * Sequences of the reports that the agent dropped. Its log gives their numbers in the spool; in a
   * new spool these equal the sequences.
   */
  let dropped: Set<number>;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nfm-delivery-'));
    printed = [];
    dropped = new Set();
    setClock(0);
    network = await createLabNetwork({
      number: 6,
      hosts: [{ name: 'a', address: `${HOST}/24`, gateway: '10.203.21.1' }],
    });
    // Listen on all addresses: the agent is not on loopback, but the metrics are only for loopback.
    const listen = `0.0.0.0:${PORT}`;
    server = await ServerProcess.start({ listen, flags: ['--insecure-plain-http'] });
    const traffic = join(import.meta.dirname, 'many-flows.mjs');
    network.spawn('a', [process.execPath, traffic, HOST, String(PORTS)]);
  });
  afterEach(async () => {
    await network?.stop();
    await server?.dispose();
    rmSync(folder, { recursive: true });
  });

  const spool = () => join(folder, 'spool');
  const reportFiles = () =>
    readdirSync(spool())
      .filter((name) => name.endsWith('.report'))
      .sort();
  const spooled = () => reportFiles().length;

  function setClock(offMillis: number): void {
    writeFileSync(join(folder, 'clock'), String(offMillis));
  }

  function startAgent(spoolMib: number, compression: 'gzip' | 'none' = 'gzip'): void {
    const program = [process.execPath, join(import.meta.dirname, 'agent-with-clock.mjs')];
    const { rootAddress, cgroup } = network.host('a');
    const to = ['--endpoint', `http://${rootAddress}:${PORT}/publish`, '--cgroup', cgroup];
    const period = ['--publish-secs', '1', '--jitter-secs', '0', '--aggregate-msecs', '100'];
    const keep = ['--spool-dir', spool(), '--spool-mib', String(spoolMib), '-z', compression];
    const host = ['--instance-id', 'i-0123456789abcdef0', '--zone', 'use1-az1'];
    agent = network.spawn('a', [...program, ...to, ...period, ...keep, ...host, '-l', 'on'], {
      outsideCgroup: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        NFM_TEST_CLOCK: join(folder, 'clock'),
        AWS_SHARED_CREDENTIALS_FILE: join(server.data, 'credentials'),
        AWS_PROFILE: 'agent',
      },
    });
    const { stdout, stderr } = agent;
    if (stdout === null || stderr === null) throw new Error('the agent has no output');
    createInterface(stdout).on('line', (line) => printed.push(JSON.parse(line)));
    createInterface(stderr).on('line', (line) => {
      const number = /"number":(\d+),"msg":"report dropped/.exec(line)?.[1];
      if (number !== undefined) dropped.add(Number(number));
    });
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ended = once(agent, 'close');
    agent.kill(signal);
    await ended;
  }

  /**
   * Kills the agent while the server is away. Forgets the reports that it had printed but not yet
   * written to the spool; in a new spool sequences equal the spool's numbers.
   */
  async function killAgent(): Promise<void> {
    await end('SIGKILL');
    const numbers = reportFiles().map((name) => Number.parseInt(name, 10));
    const last = Math.max(...numbers);
    printed = printed.filter(({ identity }) => identity.sequence <= last);
  }

  async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
    for (let waits = 0; !(await condition()); waits += 1) {
      if (waits * WAIT_MILLIS > MAX_MILLIS) throw new Error('nothing came');
      await delay(WAIT_MILLIS);
    }
  }

  async function untilMade(more: number): Promise<void> {
    const wanted = printed.length + more;
    await until(() => printed.length >= wanted);
  }

  const untilAllSent = () => until(() => printed.length > 0 && spooled() === 0);

  const flowsOf = (reports: readonly Printed[]) =>
    reports.reduce((sum, { flows }) => sum + flows.length, 0);
  const counted = (name: string, reports: readonly Printed[] = printed) =>
    reports.reduce((sum, { counters }) => sum + (counters[name] ?? 0), 0);

  test(
    'server down, network cut, agent killed, clock jumped: every report is stored once',
    async () => {
      const startedAt = Math.floor(Date.now() / 1_000);
      startAgent(64);
      await untilMade(2);
      await untilAllSent();

      await server.kill();
      await untilMade(OUTAGE_REPORTS);
      // The agent prints a report before it writes it to the disk.
      await until(() => spooled() >= OUTAGE_REPORTS);
      await server.restart();
      await untilAllSent();

      const link = (state: string) =>
        network.exec('a', ['ip', 'link', 'set', 'mgmt0', state], { outsideCgroup: true });
      await link('down');
      await untilMade(3);
      await link('up');
      await untilAllSent();

      for (const offMillis of [3 * HOUR, -3 * HOUR, 0]) {
        setClock(offMillis);
        await untilMade(2);
        await untilAllSent();
      }

      // Kill the server first, so that reports are waiting when the agent is killed.
      await server.kill();
      await untilMade(3);
      await until(() => spooled() >= 3);
      await killAgent();
      await server.restart();
      startAgent(64);
      await untilMade(2);
      await untilAllSent();
      await end('SIGTERM');
      expect(spooled()).toBe(0);

      expect(new Set(printed.map(({ identity }) => identity.runId)).size).toBe(2);
      expect(
        counted('reports_dropped') + counted('reports_corrupted') + counted('reports_refused'),
      ).toBe(0);
      expect(await server.metric('nfm_reports_missing')).toBe(0);
      expect(await server.metric('nfm_reports_lost_total')).toBe(0);
      await server.waitUntilStored();
      await server.stop();
      const rows = flowsOf(printed);
      expect(rows).toBeGreaterThan(20 * PORTS);
      expect(await countRows(server.data)).toEqual({ rows, distinct: rows });
      // The rows have the true time, in spite of the host's wrong clock.
      const sql = `SELECT toUInt32(countIf(time < ${startedAt} OR time > now())) AS wrong FROM flows`;
      expect(await queryStopped(server.data, sql)).toEqual({ wrong: 0 });
      console.log(`${printed.length} reports made, ${rows} rows stored, none missing`);
    },
    2 * MAX_MILLIS,
  );

  test('in an outage longer than the spool, made = stored + the gaps the server counts, and the agent counts each dropped report', async () => {
    startAgent(1, 'none');
    await untilMade(2);
    await untilAllSent();
    await server.kill();
    // A report has 2 flows per port of about 1.4 kB each, so 1 MiB holds about six reports.
    await untilMade(12);
    await server.restart();
    await untilAllSent();
    await untilMade(1);
    await untilAllSent();
    await end('SIGTERM');
    expect(spooled()).toBe(0);

    const gaps = await server.metric('nfm_reports_missing');
    expect(gaps).toBeGreaterThan(2);
    // The server may have stored the oldest report although its answer did not reach the agent.
    const lost = new Set([...dropped].sort((a, b) => a - b).slice(-gaps));
    expect(dropped.size - lost.size).toBeLessThanOrEqual(1);
    const kept = printed.filter(({ identity }) => !dropped.has(identity.sequence));
    expect(counted('reports_dropped', kept)).toBe(dropped.size);
    const taken = printed.filter(({ identity }) => !lost.has(identity.sequence));
    expect(await server.metric('nfm_reports_lost_total')).toBe(0);
    await server.waitUntilStored();
    await server.stop();
    const rows = flowsOf(taken);
    expect(await countRows(server.data)).toEqual({ rows, distinct: rows });
  });

  test('agent and server each count a report damaged on the disk as one lost', async () => {
    startAgent(64);
    await untilMade(1);
    await untilAllSent();
    await server.kill();
    await untilMade(3);
    await until(() => spooled() >= 3);
    await killAgent();
    // The server may have stored the oldest report although its answer did not reach the agent.
    const [, second = ''] = reportFiles();
    const path = join(spool(), second);
    writeFileSync(path, readFileSync(path).subarray(0, 100));
    await server.restart();
    startAgent(64);
    await untilAllSent();
    await untilMade(2);
    await untilAllSent();
    await end('SIGTERM');
    expect(counted('reports_corrupted')).toBe(1);
    expect(await server.metric('nfm_reports_missing')).toBe(1);
  });
});
