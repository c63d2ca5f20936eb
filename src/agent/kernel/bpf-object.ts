import { closeSync, openSync } from 'node:fs';
import { AgentError } from '../agent-error.ts';
import { ERRNO, type Libbpf, type Pointer } from './libbpf.ts';

const NEEDS =
  'the agent needs root (or CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN) and Linux 5.8 or later with eBPF';

/** Opens and loads the program; without the iterator where the kernel does not take it. */
export function loadBpfObject(libbpf: Libbpf, bytes: Buffer): LoadedObject {
  const whole = tryLoad(libbpf, bytes, true);
  if (whole.status === 'loaded') return whole.object;
  // Iterators over files' sockets came in 5.11, after the ring buffer: a kernel may lack only them.
  const part = tryLoad(libbpf, bytes, false);
  if (part.status === 'loaded') return part.object;
  throw new AgentError(`cannot load the eBPF program (${errnoName(part.errno)}): ${NEEDS}`);
}

export interface LoadedObject {
  readonly pointer: Pointer;
  readonly hasIterator: boolean;
}

type LoadResult =
  | { readonly status: 'loaded'; readonly object: LoadedObject }
  | { readonly status: 'refused'; readonly errno: number };

function tryLoad(libbpf: Libbpf, bytes: Buffer, hasIterator: boolean): LoadResult {
  const pointer = libbpf.openObject(bytes, bytes.length);
  if (pointer === 0n) return { status: 'refused', errno: libbpf.errno() };
  if (!hasIterator) libbpf.setAutoload(libbpf.findProgram(pointer, 'refresh'), false);
  const result = libbpf.loadObject(pointer);
  if (result === 0) return { status: 'loaded', object: { pointer, hasIterator } };
  libbpf.closeObject(pointer);
  return { status: 'refused', errno: -result };
}

/** Attaches a program to a cgroup's folder by a link, which ends with this process however it ends. */
export function attachToCgroup(libbpf: Libbpf, program: Pointer, path: string): Pointer {
  const folder = openFolder(path);
  try {
    const link = libbpf.attachCgroup(program, folder);
    if (link !== 0n) return link;
    const reason = errnoName(libbpf.errno());
    throw new AgentError(
      `cannot attach to ${path} (${reason}): --cgroup must be a folder of a cgroup v2 mount`,
    );
  } finally {
    closeSync(folder);
  }
}

function openFolder(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    throw new AgentError(`cannot open ${path}: --cgroup must be a folder of a cgroup v2 mount`, {
      cause,
    });
  }
}

/** The name of an errno, such as EPERM. */
export function errnoName(errno: number): string {
  return Object.entries(ERRNO).find(([, number]) => number === errno)?.[0] ?? `errno ${errno}`;
}
