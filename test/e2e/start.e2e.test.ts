import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { NetworkFlowMonitor } from '../../src/client/network-flow-monitor.ts';
import { missingForLab } from '../../src/lab/net/kernel-need.ts';
import { profileCredentials } from '../../src/lab/server-process.ts';
import { checkoutRoot } from '../../src/lib/checkout-root.ts';

const root = checkoutRoot();
const copy = mkdtempSync(join(tmpdir(), 'nfm-start-'));
let child: ChildProcess | undefined;

afterAll(async () => {
  await endAll();
  rmSync(copy, { recursive: true, force: true });
});

/** Ends the process group of `npm start` and all its children. */
async function endAll(): Promise<void> {
  if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  process.kill(-child.pid, 'SIGTERM');
  await exited;
}

function copyTrackedFiles(): void {
  const listed = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' });
  for (const file of listed.split('\0').filter((name) => name !== '')) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    copyFileSync(join(root, file), join(copy, file));
  }
}

/** Runs `npm start` until it prints the console's address; returns its output. */
async function npmStart(): Promise<string> {
  const started = spawn('npm', ['start', '--', '--listen', '127.0.0.1:0'], {
    cwd: copy,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child = started;
  let output = '';
  for (const stream of [started.stdout, started.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk;
    });
  }
  while (!/runs at \S+[\s\S]*Ctrl-C/.test(output)) {
    if (started.exitCode !== null) throw new Error(`npm start ended: ${output}`);
    await delay(50);
  }
  return output;
}

test('npm start on a fresh copy serves the console and a real row, and stops all its processes', async () => {
  copyTrackedFiles();
  const output = await npmStart();
  const endpoint = /runs at (\S+)/.exec(output)?.[1] ?? '';
  const address = /console\s+(http\S+)/.exec(output)?.[1] ?? '';

  const page = await fetch(address);
  expect(page.status).toBe(200);
  expect(await page.text()).toContain('<div id="root">');
  expect((await fetch(`${endpoint}/console/api/session`)).status).toBe(403);
  const signIn = () =>
    fetch(`${endpoint}/console/api/sign-in`, {
      method: 'POST',
      headers: { origin: endpoint, 'content-type': 'application/json' },
      body: JSON.stringify({ token: address.split('#token=')[1] }),
    });
  expect((await signIn()).status).toBe(200);
  expect((await signIn()).status).toBe(403);

  const credentials = profileCredentials(
    readFileSync(join(copy, '.nfm', 'credentials'), 'utf8'),
    'default',
  );
  const client = new NetworkFlowMonitor({ endpoint, region: 'us-east-1', credentials });
  const { scopes } = await client.listScopes({});
  expect(scopes.map(({ status }) => status)).toEqual(['SUCCEEDED']);

  const missing = missingForLab();
  if (missing === undefined) await waitForRow(client);
  else expect(output).toContain('the server continues without it');

  await endAll();
  await expect(fetch(endpoint)).rejects.toThrow();
}, 300_000);

/** Waits for a row: the agent's own reports are connections over loopback. */
async function waitForRow(client: NetworkFlowMonitor): Promise<void> {
  for (;;) {
    const answer = (await client.send({
      method: 'GET',
      target: '/api/v1/flows',
      body: undefined,
    })) as {
      flows: readonly unknown[];
    };
    if (answer.flows.length > 0) return;
    await delay(500);
  }
}
