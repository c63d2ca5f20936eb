import { AgentError } from '../agent-error.ts';
import { errnoName, loadBpfObject, type OptionalProgram, readObjectFile } from './bpf-object.ts';
import { openLibbpf } from './libbpf.ts';

/** Result of a probe. `inconclusive`: the kernel rejected the program for a reason that may pass. */
export type EbpfProbe =
  | { readonly status: 'yes'; readonly without: readonly OptionalProgram[] }
  | { readonly status: 'no'; readonly reason: string }
  | { readonly status: 'inconclusive'; readonly reason: string };

/** Errors that do not depend on the kernel's features: no memory, too many files, interrupted. */
const PASSING: ReadonlySet<string> = new Set(['ENOMEM', 'EAGAIN', 'EMFILE', 'ENFILE', 'EINTR']);

/** Probes whether this process can load the programs, by loading and unloading them. */
export function probeEbpf(): EbpfProbe {
  try {
    const libbpf = openLibbpf();
    const loaded = loadBpfObject(libbpf, readObjectFile());
    if (loaded.status === 'rejected') {
      const name = errnoName(loaded.errno);
      const status = PASSING.has(name) ? 'inconclusive' : 'no';
      return { status, reason: `the kernel rejects the program (${name})` };
    }
    libbpf.closeObject(loaded.object.pointer);
    return { status: 'yes', without: loaded.object.missing };
  } catch (error) {
    // libbpf is not installed, or the bindings are not compiled for this processor.
    if (error instanceof AgentError) return { status: 'no', reason: error.message };
    throw error;
  }
}
