import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AgentError } from '../agent-error.ts';
import { ERRNO, type Libbpf, type Pointer } from './libbpf.ts';

const NEEDS =
  'the agent needs root (or CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN) and Linux 5.8 or later with eBPF';

/**
 * Programs that older kernels reject: `adopt` sets another socket's callbacks (Linux 6.12), and
 * `refresh` iterates over the sockets of files (5.11). `watch` needs a ring buffer (5.8).
 */
const OPTIONAL = ['adopt', 'refresh'] as const;
export type OptionalProgram = (typeof OPTIONAL)[number];

/** Opens and loads the programs, without the optional ones that the kernel rejects. */
export function loadBpfObject(libbpf: Libbpf, bytes: Buffer): LoadResult {
  for (let without = 0; without < OPTIONAL.length; without += 1) {
    const result = tryLoad(libbpf, bytes, OPTIONAL.slice(0, without));
    if (result.status === 'loaded') return result;
  }
  return tryLoad(libbpf, bytes, OPTIONAL);
}

/**
 * Loads the programs as `loadBpfObject` does.
 *
 * @throws AgentError that names the agent's requirements
 */
export function requireBpfObject(libbpf: Libbpf): LoadedObject {
  const result = loadBpfObject(libbpf, readObjectFile());
  if (result.status === 'loaded') return result.object;
  throw new AgentError(`cannot load the eBPF program (${errnoName(result.errno)}): ${NEEDS}`);
}

/** Beside this file, or, for the built code, in the sources. */
const OBJECT_FILES = ['./bpf/nfm.bpf.o', '../../../src/agent/kernel/bpf/nfm.bpf.o'];

/** The compiled programs. */
export function readObjectFile(): Buffer {
  const paths = OBJECT_FILES.map((file) => fileURLToPath(new URL(file, import.meta.url)));
  const path = paths.find(existsSync);
  if (path === undefined) throw new Error('cannot find nfm.bpf.o: run scripts/build-bpf.sh');
  return readFileSync(path);
}

export interface LoadedObject {
  readonly pointer: Pointer;
  readonly missing: readonly OptionalProgram[];
}

export type LoadResult =
  | { readonly status: 'loaded'; readonly object: LoadedObject }
  | { readonly status: 'rejected'; readonly errno: number };

function tryLoad(libbpf: Libbpf, bytes: Buffer, missing: readonly OptionalProgram[]): LoadResult {
  const pointer = libbpf.openObject(bytes, bytes.length);
  if (pointer === 0n) return { status: 'rejected', errno: libbpf.errno() };
  for (const name of missing) libbpf.setAutoload(libbpf.findProgram(pointer, name), false);
  const result = libbpf.loadObject(pointer);
  if (result === 0) return { status: 'loaded', object: { pointer, missing } };
  libbpf.closeObject(pointer);
  return { status: 'rejected', errno: -result };
}

/** Attaches a program to a cgroup by a link, which the kernel removes when this process ends. */
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

/** The name of an errno, for example EPERM. */
export function errnoName(errno: number): string {
  return Object.entries(ERRNO).find(([, number]) => number === errno)?.[0] ?? `errno ${errno}`;
}
