import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { attachedPrograms } from '../../src/agent/kernel/attached-programs.ts';
import { parseAgentOptions } from '../../src/agent/options.ts';
import { missingForLab } from '../../src/lab/net/kernel-need.ts';
import { makeCgroup, removeCgroup } from '../../src/lab/net/lab-cgroup.ts';
import { checkoutRoot } from '../../src/lib/checkout-root.ts';

const ROOT = checkoutRoot();
const missing = missingForLab() ?? (existsSync('/usr/bin/dpkg-deb') ? undefined : 'needs dpkg-deb');

/** The capabilities that the systemd service grants, in the syntax of setpriv. */
const CAPABILITIES = '-all,+bpf,+perfmon,+net_admin,+net_broadcast,+sys_admin,+sys_ptrace';

describe.skipIf(missing !== undefined)(`the agent's package ${missing ?? ''}`, () => {
  let folder: string;
  let cgroup: string;
  let agent: ChildProcess | undefined;
  const at = (...path: readonly string[]) => join(folder, 'unpacked', ...path);

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'nfm-package-'));
    const built = execFileSync(process.execPath, [join(ROOT, 'packaging/build-deb.mjs'), folder], {
      encoding: 'utf8',
      cwd: '/',
    });
    execFileSync('dpkg-deb', ['-R', built.trim(), at()]);
    cgroup = makeCgroup(`nfmlab-${process.pid}-package`);
  });
  afterEach(() => {
    agent?.kill('SIGKILL');
    agent = undefined;
  });
  afterAll(async () => {
    if (cgroup !== undefined) await removeCgroup(cgroup);
    rmSync(folder, { recursive: true, force: true });
  });

  /** Another folder and an empty environment, so that nothing of this checkout is used. */
  const surroundings = { cwd: '/', env: { PATH: process.env.PATH } };

  function run(...argv: readonly string[]) {
    const options = { encoding: 'utf8', ...surroundings } as const;
    return spawnSync(at('usr/bin/nfm-agent'), argv, options);
  }

  async function until(condition: () => boolean): Promise<void> {
    for (let waits = 0; !condition(); waits += 1) {
      if (waits === 400) throw new Error('not within ten seconds');
      await delay(25);
    }
  }

  const attached = () => attachedPrograms(cgroup).length > 0;

  test('prints its version', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(run('--version').stdout.trim()).toBe(version);
  });

  test('finds all its files, and searches the whole chain of credential providers', async () => {
    const server = createServer((_, response) => response.end());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const argv = ['doctor', '-e', `http://127.0.0.1:${port}/publish`, '-c', cgroup];
    const env = { ...surroundings.env, AWS_EC2_METADATA_DISABLED: 'true', HOME: folder };
    const child = spawn(at('usr/bin/nfm-agent'), argv, { ...surroundings, env });
    let stdout = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    await once(child, 'close');
    server.close();
    expect(stdout).toContain('OK   eBPF program');
    expect(stdout).toContain('OK   endpoint            answers (200)');
    expect(stdout).toMatch(/FAIL credentials +no AWS credentials: .*any providers/);
  });

  test('contains one program, its library and the eBPF object, without the server', () => {
    const found = execFileSync('find', ['.', '-type', 'f'], { cwd: at(), encoding: 'utf8' });
    const files = found.trim().split('\n').sort();
    expect(files.filter((file) => file.startsWith('./usr/lib/nfm-agent'))).toEqual([
      './usr/lib/nfm-agent/agent.mjs',
      './usr/lib/nfm-agent/bpf/nfm.bpf.o',
      ...['README.md', 'index.js', 'linux_x64/koffi.node', 'package.json'].map(
        (file) => `./usr/lib/nfm-agent/node_modules/@koromix/koffi-linux-x64/${file}`,
      ),
      './usr/lib/nfm-agent/package.json',
    ]);
    expect(statSync(at('usr/lib/nfm-agent/agent.mjs')).size).toBeLessThan(3_000_000);
    expect(statSync(at('etc/nfm-agent/agent.conf')).mode & 0o777).toBe(0o640);
  });

  test('runs with the privileges of its service, and leaves no trace however it ends', async () => {
    const argv = [
      '--print',
      '-s',
      '1',
      '-j',
      '0',
      '-c',
      cgroup,
      '--spool-dir',
      join(folder, 'spool'),
    ];
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const limited = ['--bounding-set', CAPABILITIES, at('usr/bin/nfm-agent'), ...argv];
      const child = spawn('setpriv', limited, {
        ...surroundings,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      agent = child;
      const [line] = await once(child.stdout, 'data');
      expect(JSON.parse(String(line).split('\n')[0] ?? '').identity.sequence).toBe(1);
      expect(attached()).toBe(true);
      const ended = once(child, 'close');
      child.kill(signal);
      await ended;
      await until(() => !attached());
    }
  });

  test('its service file is valid for systemd', () => {
    const analyze = '/usr/bin/systemd-analyze';
    if (!existsSync(analyze)) return;
    // systemd-analyze requires the program at the path in the service file.
    const text = readFileSync(at('usr/lib/systemd/system/nfm-agent.service'), 'utf8');
    const unit = join(folder, 'nfm-agent.service');
    writeFileSync(unit, text.replaceAll('/usr/bin/nfm-agent', at('usr/bin/nfm-agent')));
    const { stderr } = spawnSync(analyze, ['verify', '--man=no', unit], { encoding: 'utf8' });
    expect(stderr.split('\n').filter((line) => line.includes('nfm-agent.service'))).toEqual([]);
  });

  test('service and DaemonSet start the agent with valid options', () => {
    const unit = readFileSync(at('usr/lib/systemd/system/nfm-agent.service'), 'utf8');
    const started = /^ExecStart=\S+ (.*)$/m.exec(unit)?.[1] ?? '';
    const conf = readFileSync(at('etc/nfm-agent/agent.conf'), 'utf8');
    const options = /^NFM_AGENT_OPTIONS="(.*)"$/m.exec(conf)?.[1] ?? '';
    const argv = started.replace('$NFM_AGENT_OPTIONS', options).split(' ');
    expect(parseAgentOptions(argv)).toMatchObject({
      status: 'run',
      options: { spoolFolder: '/var/lib/nfm-agent/spool' },
    });
    const text = readFileSync(join(ROOT, 'packaging/kubernetes/nfm-agent.yaml'), 'utf8');
    const objects = parseAllDocuments(text).map((document) => document.toJS());
    const daemonSet = objects.find(({ kind }) => kind === 'DaemonSet');
    const [container] = daemonSet.spec.template.spec.containers;
    const args: readonly string[] = container.args;
    const endpoint = 'https://nfm.example.net:8130/publish';
    expect(
      parseAgentOptions(args.map((one) => one.replace('$(NFM_ENDPOINT)', endpoint))),
    ).toMatchObject({ status: 'run', options: { cgroup: '/host/cgroup' } });
  });
});
