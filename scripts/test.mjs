// `npm test` installs the needs of the tests, runs all parts, and counts. Arguments name the parts to run.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fetchNode24 } from './node-24.mjs';
import { startPrivateClickHouse } from './private-clickhouse.mjs';
import { startPrivatePostgres } from './private-postgres.mjs';
import { installNeeds } from './test-needs.mjs';

const root = join(import.meta.dirname, '..');
const isCi = process.env.CI === 'true' || process.env.CI === '1';

const CHECKS = [
  ['format and lint', 'node_modules/@biomejs/biome/bin/biome', ['ci', '.']],
  ['types', 'node_modules/typescript/bin/tsc', ['-p', 'tsconfig.json']],
  ['types of the console', 'node_modules/typescript/bin/tsc', ['-p', 'src/console/tsconfig.json']],
];
const PROJECTS = ['unit', 'proof', 'store', 'kernel', 'e2e', 'browser', 'conformance'];
/** The runs under Node 24: a Vitest project and, optionally, a filter of its files. */
const NODE_24_RUNS = [['unit'], ['store'], ['e2e', 'start.e2e']];
/** Tests that CI may skip: a pattern for the test's name, and the reason. Any other skip fails. */
const ALLOWED_SKIPS = [];

const wanted = process.argv.slice(2);
const counts = { passed: 0, failed: 0, skipped: 0 };
const skips = [];
const stops = [];
let running;

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void endEarly(signal));

installNeeds();
const environment = { ...process.env };
try {
  await runParts();
} finally {
  await stopServers();
}
reportSkips();
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;

async function runParts() {
  const isWanted = (part) => wanted.length === 0 || wanted.includes(part);
  if (isWanted('unit') || isWanted('node24')) {
    await addServer('NFM_TEST_POSTGRES_URL', startPrivatePostgres);
  }
  if (isWanted('store') || isWanted('node24')) {
    await addServer('CLICKHOUSE_URL', startPrivateClickHouse);
  }
  if (wanted.length === 0) for (const check of CHECKS) await runCheck(check);
  for (const project of PROJECTS.filter(isWanted)) await runProject(project);
  if (isWanted('node24')) await runUnderNode24();
}

/** Starts a server for the tests unless the environment names one, and stops it at the end. */
async function addServer(variable, start) {
  if (environment[variable] !== undefined) return;
  const server = await start();
  if (server !== undefined) {
    environment[variable] = server.url;
    stops.push(server.stop);
  } else if (isCi) fail(`no server for ${variable}`);
}

async function stopServers() {
  for (const stop of stops.splice(0)) await stop();
}

async function endEarly(signal) {
  running?.kill(signal);
  await stopServers();
  process.exit(1);
}

async function runCheck([name, program, args]) {
  const started = Date.now();
  const status = await runNode([program, ...args]);
  counts[status === 0 ? 'passed' : 'failed'] += 1;
  console.log(`${status === 0 ? 'passed' : 'FAILED'}: ${name} (${seconds(started)} s)`);
}

async function runUnderNode24() {
  const bin = fetchNode24();
  if (bin !== undefined) {
    for (const [project, ...files] of NODE_24_RUNS) await runProject(project, { files, bin });
  } else if (isCi) fail('cannot fetch Node 24');
  else console.log('not run: tests under Node 24, which cannot be fetched');
}

/** Runs a project of Vitest; under the Node in the folder `bin` if it is given. */
async function runProject(project, { files = [], bin } = {}) {
  const started = Date.now();
  const folder = mkdtempSync(join(tmpdir(), 'nfm-test-'));
  const report = join(folder, 'counts.json');
  const reporters = ['--reporter=default', '--reporter=./scripts/count-reporter.mjs'];
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--project', project, ...reporters];
  const status = await runNode([...vitest, ...files], {
    bin,
    env: { ...environment, NFM_TEST_COUNTS: report },
  });
  const found = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined;
  rmSync(folder, { recursive: true, force: true });
  const name = `${project} tests${bin === undefined ? '' : ' under Node 24'}`;
  count(found ?? { passed: 0, failed: 0, skipped: [] }, { status, name });
  console.log(`${status === 0 ? 'passed' : 'FAILED'}: ${name} (${seconds(started)} s)`);
}

function count(found, { status, name }) {
  counts.passed += found.passed;
  counts.skipped += found.skipped.length;
  // A file that cannot be loaded or a hook that throws fails no test but fails the run.
  counts.failed += status !== 0 && found.failed === 0 ? 1 : found.failed;
  for (const skip of found.skipped) skips.push({ ...skip, name });
}

/** Lists each skipped test with its reason; on CI those that are not allowed fail. */
function reportSkips() {
  for (const { test, reason, name } of skips) {
    const isAllowed = ALLOWED_SKIPS.some(([pattern]) => pattern.test(test));
    console.log(`skipped${isAllowed ? ' as allowed' : ''}: ${name}: ${test}: ${reason}`);
    if (isCi && !isAllowed) fail('this skip is not in ALLOWED_SKIPS of scripts/test.mjs');
  }
}

function fail(message) {
  console.log(`FAILED: ${message}`);
  counts.failed += 1;
}

/** Runs a Node program; resolves to its exit code. */
function runNode(args, { bin, env = process.env } = {}) {
  const program = bin === undefined ? process.execPath : join(bin, 'node');
  const path = bin === undefined ? env.PATH : `${bin}${delimiter}${env.PATH}`;
  return new Promise((resolve, reject) => {
    running = spawn(program, args, { cwd: root, stdio: 'inherit', env: { ...env, PATH: path } });
    running.once('error', reject);
    running.once('close', resolve);
  });
}

function seconds(started) {
  return ((Date.now() - started) / 1000).toFixed(0);
}
