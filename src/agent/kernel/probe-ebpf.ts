import { AgentError } from '../agent-error.ts';
import { errnoName, loadBpfObject, type OptionalProgram, readObjectFile } from './bpf-object.ts';
import { openLibbpf } from './libbpf.ts';

/** What asking the kernel gave. `cannot-tell`: it refused for a reason that may pass. */
export type Probe =
  | { readonly status: 'yes'; readonly without: readonly OptionalProgram[] }
  | { readonly status: 'no'; readonly reason: string }
  | { readonly status: 'cannot-tell'; readonly reason: string };

/** Refusals that say nothing of what the kernel can do: no memory, too many files, interrupted. */
const PASSING: ReadonlySet<string> = new Set(['ENOMEM', 'EAGAIN', 'EMFILE', 'ENFILE', 'EINTR']);

/** Whether this process may load the programs into this kernel: it loads them, and lets them go. */
export function probeEbpf(): Probe {
  try {
    const libbpf = openLibbpf();
    const loaded = loadBpfObject(libbpf, readObjectFile());
    if (loaded.status === 'refused') {
      const name = errnoName(loaded.errno);
      const status = PASSING.has(name) ? 'cannot-tell' : 'no';
      return { status, reason: `the kernel refuses the program (${name})` };
    }
    libbpf.closeObject(loaded.object.pointer);
    return { status: 'yes', without: loaded.object.missing };
  } catch (error) {
    // A library that is not there, or a processor nobody compiled the bindings for.
    if (error instanceof AgentError) return { status: 'no', reason: error.message };
    throw error;
  }
}
