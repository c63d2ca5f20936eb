// Builds nfm-agent_VERSION_ARCHITECTURE.deb: build-deb.mjs [FOLDER [amd64|arm64]]. Needs dpkg-deb.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { bundleAgent } from './bundle-agent.mjs';

const here = import.meta.dirname;
const [out = join(here, '../dist'), architecture = 'amd64'] = process.argv.slice(2);
const tree = mkdtempSync(join(tmpdir(), 'nfm-deb-'));

/** Copies a file of this folder to its path in the package. */
function install(from, to, mode = 0o644) {
  const path = join(tree, to);
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  cpSync(join(here, from), path);
  chmodSync(path, mode);
}

try {
  chmodSync(tree, 0o755);
  const { version } = await bundleAgent({ folder: join(tree, 'usr/lib/nfm-agent'), architecture });
  install('nfm-agent', 'usr/bin/nfm-agent', 0o755);
  install('systemd/nfm-agent.service', 'usr/lib/systemd/system/nfm-agent.service');
  install('agent.conf', 'etc/nfm-agent/agent.conf', 0o640);
  install('../LICENSE', 'usr/share/doc/nfm-agent/copyright');
  install('../docs/reference/agent.md', 'usr/share/doc/nfm-agent/agent.md');
  for (const script of ['postinst', 'prerm', 'postrm']) {
    install(`debian/${script}`, `DEBIAN/${script}`, 0o755);
  }
  const control = readFileSync(join(here, 'debian/control'), 'utf8');
  const filled = control.replace('@VERSION@', version).replace('@ARCHITECTURE@', architecture);
  writeFileSync(join(tree, 'DEBIAN/control'), filled);
  writeFileSync(join(tree, 'DEBIAN/conffiles'), '/etc/nfm-agent/agent.conf\n');
  mkdirSync(out, { recursive: true });
  const file = join(out, `nfm-agent_${version}_${architecture}.deb`);
  execFileSync('dpkg-deb', ['--root-owner-group', '--build', tree, file], { stdio: 'ignore' });
  process.stdout.write(`${file}\n`);
} finally {
  rmSync(tree, { recursive: true });
}
