import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Needs of the tests beyond npm's packages: a file of each, and the Debian package that has it. */
const NEEDS = [
  ['/usr/sbin/nft', 'nftables'],
  ['/usr/sbin/ip', 'iproute2'],
  ['/usr/bin/chromium', 'chromium'],
  ['/usr/bin/clang-14', 'clang-14'],
  ['/usr/bin/llvm-strip-14', 'llvm-14'],
  ['/usr/include/bpf/bpf_helpers.h', 'libbpf-dev'],
  ['/usr/share/doc/libbpf1', 'libbpf1'],
  ['/usr/bin/python3', 'python3-minimal'],
  ['/usr/lib/python3/dist-packages/botocore', 'python3-botocore'],
  ['/usr/lib/python3/dist-packages/boto3', 'python3-boto3'],
  ['/usr/bin/aws', 'awscli'],
  ['/usr/bin/curl', 'curl'],
  ['/usr/bin/openssl', 'openssl'],
  ['/usr/lib/postgresql', 'postgresql'],
];

/** Installs the missing packages where that is possible: as root on Debian. */
export function installNeeds() {
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
  const install = ['install', '-y', '-qq', '--no-install-recommends', ...missing];
  const { status } = spawnSync('apt-get', install, options);
  if (status !== 0) console.log('some of these packages could not be installed');
}
