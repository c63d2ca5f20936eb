// `npm start`: server, console and an agent on this host, all in this checkout. Arguments go to the server.
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const nfm = join(root, 'bin', 'nfm');
const data = join(root, '.nfm');
const LISTENING = /listening on (\S+)/;
const CONSOLE = /console: (\S+)/;

const server = spawn(
  process.execPath,
  [nfm, 'server', '--data', data, '--sign-in-address', ...process.argv.slice(2)],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
let agent;
let output = '';
let isStopping = false;

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop);
server.on('exit', (code) => {
  isStopping = true;
  agent?.kill('SIGTERM');
  process.exitCode = code ?? 1;
});
server.stdout.on('data', (chunk) => {
  const wasReady = CONSOLE.test(output);
  output += chunk;
  if (!wasReady && CONSOLE.test(output)) ready(LISTENING.exec(output)[1], CONSOLE.exec(output)[1]);
});

function ready(endpoint, address) {
  createScope(endpoint);
  startAgent(endpoint);
  console.log(`
Network Flow Monitor runs at ${endpoint}
  console   ${address}
  commands  export AWS_SHARED_CREDENTIALS_FILE=${join(data, 'credentials')} NFM_ENDPOINT=${endpoint}
            bin/nfm top
The agent's first report comes within 35 seconds, then one every 30. A machine that talks to nobody
has its first rows in the second, of this console and the commands. Ctrl-C stops it.
`);
}

/** A scope for the own account and Region, so that there is something to look at. */
function createScope(endpoint) {
  const existing = cli(['scope', 'list'], endpoint);
  if (existing.status === 0 && existing.stdout.includes('scope/')) return;
  const created = cli(['scope', 'create', '--wait'], endpoint);
  if (created.status !== 0) console.error(`cannot create the scope: ${created.stderr.trim()}`);
}

function startAgent(endpoint) {
  const options = ['--endpoint', `${endpoint}/publish`, '--spool-dir', join(data, 'agent-spool')];
  // As packaging/nfm-agent starts it.
  const flags = ['--single-threaded', '--v8-pool-size=0'];
  agent = spawn(process.execPath, [...flags, nfm, 'agent', ...options], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...environment('agent', endpoint), MALLOC_ARENA_MAX: '1' },
  });
  agent.on('exit', (code) => {
    if (!isStopping) console.error(`The agent ended (${code}); the server goes on without it.`);
  });
}

function cli(args, endpoint) {
  return spawnSync(process.execPath, [nfm, ...args], {
    encoding: 'utf8',
    env: environment('default', endpoint),
  });
}

/** This server's own keys, whatever AWS settings the shell has. */
function environment(profile, endpoint) {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'));
  return {
    ...Object.fromEntries(kept),
    AWS_SHARED_CREDENTIALS_FILE: join(data, 'credentials'),
    AWS_PROFILE: profile,
    AWS_REGION: 'us-east-1',
    NFM_ENDPOINT: endpoint,
  };
}

/** The agent first: its last report still finds the server. */
function stop() {
  if (isStopping) return;
  isStopping = true;
  if (agent === undefined || agent.exitCode !== null || agent.signalCode !== null) {
    server.kill('SIGTERM');
    return;
  }
  agent.on('exit', () => server.kill('SIGTERM'));
  agent.kill('SIGTERM');
}
