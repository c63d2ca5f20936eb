import { closeSync, openSync } from 'node:fs';
import { openLibbpf } from './libbpf.ts';

/** linux/bpf.h: the attach type of sock_ops programs. */
const BPF_CGROUP_SOCK_OPS = 3;

const MAX = 64;

/** Kernel ids of the sock_ops programs attached to the cgroup itself, not to one above it. */
export function attachedPrograms(cgroupPath: string): readonly number[] {
  const folder = openSync(cgroupPath, 'r');
  try {
    const ids = new Uint32Array(MAX);
    const count = openLibbpf().queryPrograms(folder, BPF_CGROUP_SOCK_OPS, ids);
    if (count < 0) throw new Error(`cannot list the programs of ${cgroupPath}: errno ${-count}`);
    return [...ids.subarray(0, count)];
  } finally {
    closeSync(folder);
  }
}
