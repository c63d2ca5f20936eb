// `npm start` runs server, console and an agent on this host, in this checkout. It passes its arguments
// to the server.
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
The agent sends its first report within 35 seconds and then one every 30. On a machine without other
traffic, the second report has the first rows: this console and the commands. Ctrl-C stops it.
`);
}

/** Creates a scope of this account and Region unless there is one, so that the console has data. */
function createScope(endpoint) {
  const existing = cli(['scope', 'list'], endpoint);
  if (existing.status === 0 && existing.stdout.includes('scope/')) return;
  const created = cli(['scope', 'create', '--wait'], endpoint);
  if (created.status !== 0) console.error(`cannot create the scope: ${created.stderr.trim()}`);
}

function startAgent(endpoint) {
  const options = ['--endpoint', `${endpoint}/publish`, '--spool-dir', join(data, 'agent-spool')];
  // The same flags as in packaging/nfm-agent.
  const flags = ['--single-threaded', '--v8-pool-size=0'];
  agent = spawn(process.execPath, [...flags, nfm, 'agent', ...options], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...environment('agent', endpoint), MALLOC_ARENA_MAX: '1' },
  });
  agent.on('exit', (code) => {
    if (!isStopping) console.error(`The agent ended (${code}); the server continues without it.`);
  });
}

function cli(args, endpoint) {
  return spawnSync(process.execPath, [nfm, ...args], {
    encoding: 'utf8',
    env: environment('default', endpoint),
  });
}

/** The environment with the keys of this server, without the AWS settings of the shell. */
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

/** Stops the agent first, so that the server still receives its last report. */
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
