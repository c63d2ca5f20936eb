// `npm run setup` installs the packages and builds. It skips a step whose inputs have not changed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const stampFile = join(root, '.cache', 'setup.json');

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`nfm needs Node 20.19 or newer; this is ${process.version}`);
  process.exit(1);
}

const stamps = existsSync(stampFile) ? JSON.parse(readFileSync(stampFile, 'utf8')) : {};

step({
  name: 'packages',
  inputs: hashFiles(['package.json', 'package-lock.json']),
  outcome: 'node_modules',
  // No package needs its install script, so none runs.
  command: 'npm',
  args: 'ci --ignore-scripts --include=dev --no-audit --no-fund --loglevel=error'.split(' '),
});
step({
  name: 'server',
  inputs: hashTree('src', /^src\/console\//),
  outcome: 'dist/server/main.js',
  command: process.execPath,
  args: ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'],
});
step({
  name: 'console',
  inputs: hashTree('src'),
  outcome: 'dist/console/index.html',
  command: process.execPath,
  args: ['node_modules/vite/bin/vite.js', 'build', 'src/console', '--logLevel', 'warn'],
});

/** Runs a step unless it has run for the same inputs and its outcome still exists. */
function step({ name, inputs, outcome, command, args }) {
  const stamp = `${process.versions.modules} ${inputs}`;
  if (stamps[name] === stamp && existsSync(join(root, outcome))) return;
  const started = Date.now();
  process.stderr.write(`setup: ${name} … `);
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  if (result.status !== 0) {
    const { stdout, stderr, error } = result;
    process.stderr.write(`failed\n${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}\n`);
    process.exit(1);
  }
  stamps[name] = stamp;
  mkdirSync(join(root, '.cache'), { recursive: true });
  writeFileSync(stampFile, JSON.stringify(stamps));
  process.stderr.write(`${((Date.now() - started) / 1000).toFixed(0)} s\n`);
}

function hashFiles(paths) {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(readFileSync(join(root, path)));
  return hash.digest('hex');
}

/** Hashes the paths and contents of source files, except tests and their helpers, which are not built. */
function hashTree(folder, leftOut) {
  const hash = createHash('sha256').update(
    hashFiles(['tsconfig.base.json', 'tsconfig.json', 'tsconfig.build.json']),
  );
  for (const entry of readdirSync(join(root, folder), { recursive: true }).sort()) {
    const path = join(folder, entry);
    if (/(\.test\.tsx?|\.case\.ts|\/testing\.ts)$/.test(path) || leftOut?.test(path)) continue;
    if (statSync(join(root, path)).isFile())
      hash.update(path).update(readFileSync(join(root, path)));
  }
  return hash.digest('hex');
}
