import { existsSync } from 'node:fs';

/** Why this machine cannot make a lab network and watch it, or undefined when it can. */
export function missingForKernelTests(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root';
  if (!existsSync('/sys/kernel/btf/vmlinux')) return 'needs a kernel with eBPF and BTF';
  const folders = ['/usr/sbin', '/sbin', '/usr/bin', '/bin'];
  const missing = ['ip', 'nft', 'ss', 'nsenter'].find(
    (program) => !folders.some((folder) => existsSync(`${folder}/${program}`)),
  );
  return missing === undefined ? undefined : `needs ${missing}: apt-get install nftables iproute2`;
}
