// `npm test`: installs what the tests need, runs all of them, and counts. Arguments name the parts to run.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPrivatePostgres } from './private-postgres.mjs';

const root = join(import.meta.dirname, '..');
const isCi = process.env.CI === 'true' || process.env.CI === '1';

/** What the tests need beyond npm's packages: a file that shows it is there, and Debian's package. */
const NEEDS = [
  ['/usr/sbin/nft', 'nftables'],
  ['/usr/sbin/ip', 'iproute2'],
  ['/usr/bin/chromium', 'chromium'],
  ['/usr/bin/clang-14', 'clang-14'],
  ['/usr/bin/llvm-strip-14', 'llvm-14'],
  ['/usr/include/bpf/bpf_helpers.h', 'libbpf-dev'],
  ['/usr/share/doc/libbpf1', 'libbpf1'],
  ['/usr/lib/python3/dist-packages/botocore', 'python3-botocore'],
  ['/usr/lib/python3/dist-packages/boto3', 'python3-boto3'],
  ['/usr/bin/aws', 'awscli'],
  ['/usr/bin/openssl', 'openssl'],
  ['/usr/lib/postgresql', 'postgresql'],
];

const CHECKS = [
  ['format and lint', 'node_modules/@biomejs/biome/bin/biome', ['ci', '.']],
  ['types', 'node_modules/typescript/bin/tsc', ['-p', 'tsconfig.json']],
  ['types of the console', 'node_modules/typescript/bin/tsc', ['-p', 'src/console/tsconfig.json']],
];
const PROJECTS = ['unit', 'proof', 'store', 'kernel', 'e2e', 'browser', 'conformance'];

const wanted = process.argv.slice(2);
const counts = { passed: 0, failed: 0, skipped: 0 };

installNeeds();
const postgres = startPrivatePostgres();
if (postgres === undefined && isCi) {
  console.log('FAILED: no PostgreSQL to test with');
  counts.failed += 1;
}
const environment = {
  ...process.env,
  ...(postgres === undefined ? {} : { NFM_TEST_POSTGRES_URL: postgres.url }),
  // On CI a missing need fails its tests instead of skipping them.
  CI_REQUIRE: process.env.CI_REQUIRE ?? (isCi ? 'store,kernel,browser,botocore,conformance' : ''),
};
if (wanted.length === 0) for (const check of CHECKS) runCheck(check);
for (const project of wanted.length === 0 ? PROJECTS : wanted) runProject(project);
postgres?.stop();

console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;

function installNeeds() {
  const missing = NEEDS.filter(([path]) => !existsSync(path)).map(([, name]) => name);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    console.log(
      `tests that need ${missing.join(', ')} are skipped: install them, or run as root on Debian`,
    );
    return;
  }
  console.log(`installing ${missing.join(', ')}`);
  const options = {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  };
  spawnSync('apt-get', ['update', '-qq'], options);
  const { status } = spawnSync(
    'apt-get',
    ['install', '-y', '-qq', '--no-install-recommends', ...missing],
    options,
  );
  if (status !== 0) console.log('not all of them could be installed');
}

function runCheck([name, program, args]) {
  const started = Date.now();
  const { status } = spawnSync(process.execPath, [program, ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  counts[status === 0 ? 'passed' : 'failed'] += 1;
  console.log(`${status === 0 ? 'passed' : 'FAILED'}: ${name} (${seconds(started)} s)`);
}

function runProject(project) {
  const started = Date.now();
  const folder = mkdtempSync(join(tmpdir(), 'nfm-test-'));
  const report = join(folder, 'report.json');
  const args = [
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ];
  const { status } = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', ...args], {
    cwd: root,
    stdio: 'inherit',
    env: environment,
  });
  const found = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined;
  rmSync(folder, { recursive: true, force: true });
  const failed = found?.numFailedTests ?? 0;
  counts.passed += found?.numPassedTests ?? 0;
  counts.skipped += (found?.numPendingTests ?? 0) + (found?.numTodoTests ?? 0);
  // A file that cannot be loaded or a hook that throws fails no test, and still fails the run.
  counts.failed += status !== 0 && failed === 0 ? 1 : failed;
  console.log(`${status === 0 ? 'passed' : 'FAILED'}: ${project} tests (${seconds(started)} s)`);
}

function seconds(started) {
  return ((Date.now() - started) / 1000).toFixed(0);
}
