import { closeSync, openSync } from 'node:fs';
import { openLibbpf } from './libbpf.ts';

/** linux/bpf.h: the attach type of programs of kind sock_ops. */
const BPF_CGROUP_SOCK_OPS = 3;

const MAX = 64;

/** The kernel's ids of the sock_ops programs attached to a cgroup itself. */
export function attachedPrograms(cgroupPath: string): readonly number[] {
  const folder = openSync(cgroupPath, 'r');
  try {
    const ids = new Uint32Array(MAX);
    const count = openLibbpf().queryPrograms(folder, BPF_CGROUP_SOCK_OPS, ids);
    if (count < 0) throw new Error(`cannot ask for the programs of ${cgroupPath}: errno ${-count}`);
    return [...ids.subarray(0, count)];
  } finally {
    closeSync(folder);
  }
}
