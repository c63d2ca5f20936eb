import { existsSync } from 'node:fs';

/** Why this machine cannot run a lab network with an agent, or undefined if it can. */
export function missingForLab(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root';
  if (!existsSync('/sys/kernel/btf/vmlinux')) return 'needs a kernel with eBPF and BTF';
  const folders = ['/usr/sbin', '/sbin', '/usr/bin', '/bin'];
  const missing = ['ip', 'nft', 'ss', 'nsenter'].find(
    (program) => !folders.some((folder) => existsSync(`${folder}/${program}`)),
  );
  return missing === undefined ? undefined : `needs ${missing}: apt-get install nftables iproute2`;
}
