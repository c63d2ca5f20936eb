import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { machine, release } from 'node:os';
import { dirname } from 'node:path';
import { findCgroup } from '../config.ts';
import { openLibbpf } from '../kernel/libbpf.ts';
import { SocketWatch } from '../kernel/socket-watch.ts';
import type { AgentOptions } from '../options.ts';
import { refuseWritable } from '../refuse-writable.ts';
import { type Check, checkOf, tryTo } from './check.ts';

/** linux/capability.h: the capabilities for loading, reading and attaching the program. */
const NEEDED: Readonly<Record<string, bigint>> = {
  CAP_NET_ADMIN: 12n,
  CAP_PERFMON: 38n,
  CAP_BPF: 39n,
};
/** CAP_SYS_ADMIN includes the rights of the three capabilities above. */
const CAP_SYS_ADMIN = 21n;

/** A conntrack table this full is about to drop new connections. */
const NEARLY_FULL = 0.9;

/** Checks the kernel, the rights, the libraries and the folders on this host. */
export function hostChecks(options: AgentOptions): readonly Check[] {
  // A missing requirement of eBPF fails only if the agent may not use netlink instead.
  const no = options.collector === 'ebpf' || options.cgroup !== undefined ? 'FAIL' : 'WARN';
  return [
    kernelCheck(),
    capabilityCheck(readFileSync('/proc/self/status', 'utf8')),
    btfCheck(no),
    libbpfCheck(no),
    ...cgroupChecks(options, no),
    conntrackCheck('/proc/sys/net/netfilter'),
    spoolCheck(options.spoolFolder),
  ];
}

function kernelCheck(): Check {
  const found = `Linux ${release()} ${machine()}`;
  if (process.platform === 'linux') return { name: 'kernel', status: 'OK', found };
  return {
    name: 'kernel',
    status: 'FAIL',
    found: process.platform,
    todo: 'run the agent on Linux',
  };
}

/** @param status the text of /proc/self/status */
export function capabilityCheck(status: string): Check {
  const name = 'capabilities';
  const todo =
    'run the agent as root, or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN (systemd: AmbientCapabilities)';
  const hex = /^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1];
  if (hex === undefined)
    return { name, status: 'WARN', found: 'cannot check: /proc/self/status has no CapEff', todo };
  const held = BigInt(`0x${hex}`);
  const has = (bit: bigint): boolean => ((held >> bit) & 1n) === 1n;
  const missing = Object.keys(NEEDED).filter((each) => !has(NEEDED[each] ?? 0n));
  if (missing.length === 0) {
    return { name, status: 'OK', found: Object.keys(NEEDED).join(', ') };
  }
  // Before Linux 5.8, CAP_SYS_ADMIN was the only capability for eBPF.
  if (has(CAP_SYS_ADMIN) && has(12n)) return { name, status: 'OK', found: 'CAP_SYS_ADMIN' };
  return { name, status: 'FAIL', found: `missing ${missing.join(', ')}`, todo };
}

/** The status of a missing requirement of eBPF. */
type Missing = 'WARN' | 'FAIL';

function btfCheck(no: Missing): Check {
  return checkOf(
    tryTo(() => statSync('/sys/kernel/btf/vmlinux').size),
    {
      name: 'kernel types (BTF)',
      yes: (bytes) => `/sys/kernel/btf/vmlinux, ${bytes} bytes`,
      no,
      todo: 'use a kernel built with CONFIG_DEBUG_INFO_BTF, as in all current distributions',
    },
  );
}

function libbpfCheck(no: Missing): Check {
  return checkOf(
    tryTo(() => openLibbpf().possibleCpus()),
    {
      name: 'libbpf',
      yes: (cpus) => `libbpf.so.1, ${cpus} possible CPUs`,
      no,
      todo: "apt-get install libbpf1, or your distribution's libbpf 1.x",
    },
  );
}

/** Checks the cgroup and attaches the program to it for a moment. */
function cgroupChecks(options: AgentOptions, no: Missing): readonly Check[] {
  const path = tryTo(() => cgroupOf(options));
  const cgroup = checkOf(path, {
    name: 'cgroup v2',
    yes: (folder) => folder,
    no,
    todo: 'mount cgroup v2, or name its folder by --cgroup',
  });
  if (path.is !== 'yes') return [cgroup];
  const program = checkOf(
    tryTo(() => watchOnce(path.value)),
    {
      name: 'eBPF program',
      yes: () => 'loads and attaches',
      no,
      todo: 'see the checks above; the kernel must be 5.8 or later with eBPF',
    },
  );
  return [cgroup, program];
}

function cgroupOf({ cgroup = findCgroup() }: AgentOptions): string {
  if (cgroup === undefined) throw new Error('not mounted');
  return cgroup;
}

function watchOnce(cgroupPath: string): void {
  const watch = new SocketWatch({ cgroupPath });
  watch.start();
  watch.stop();
}

/** @param folder /proc/sys/net/netfilter */
export function conntrackCheck(folder: string): Check {
  const name = 'conntrack';
  // The file exists once the module is loaded. A host without address translation does not need the
  // module.
  if (!existsSync(`${folder}/nf_conntrack_count`)) {
    return { name, status: 'OK', found: 'not in use: this host translates no addresses' };
  }
  const read = (file: string): number => Number(readFileSync(`${folder}/${file}`, 'utf8'));
  const table = tryTo(() => ({
    count: read('nf_conntrack_count'),
    max: read('nf_conntrack_max'),
  }));
  const todo = 'raise net.netfilter.nf_conntrack_max: a full table drops new connections';
  const check = checkOf(table, {
    name,
    yes: ({ count, max }) => `${count} of ${max} connections`,
    no: 'WARN',
    todo,
  });
  const isFull = table.is === 'yes' && table.value.count > NEARLY_FULL * table.value.max;
  return isFull ? { ...check, status: 'WARN', todo } : check;
}

/** @param folder undefined: no --spool-dir */
export function spoolCheck(folder: string | undefined): Check {
  const name = 'spool';
  if (folder === undefined) {
    const found = 'none: reports wait in memory, and are lost when the agent ends';
    return { name, status: 'WARN', found, todo: 'name a folder by --spool-dir' };
  }
  const usable = tryTo(() => {
    refuseWritable('spool', folder);
    accessSync(nearest(folder), constants.W_OK);
    return folder;
  });
  return checkOf(usable, {
    name,
    yes: (path) => path,
    no: 'FAIL',
    todo: 'name a folder that this user may write by --spool-dir',
  });
}

/** The folder, or the nearest existing one above it. */
function nearest(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearest(dirname(folder));
}
