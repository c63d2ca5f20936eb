import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { AgentError } from './agent-error.ts';

const ANYONE_WRITES = 0o002;
/** In such a folder only a file's owner may replace it, as in /tmp. */
const STICKY = 0o1000;

/**
 * Refuses a file or folder that any user of this host may change, or may replace in the folder it
 * stands in: an agent with the host's privileges would act on it. What is not there is no danger.
 *
 * @throws AgentError with what to do
 */
export function refuseWritable(what: string, path: string): void {
  const mode = modeOf(path);
  if (mode === undefined) return;
  const folder = dirname(path);
  const folderMode = modeOf(folder) ?? 0;
  if ((mode & ANYONE_WRITES) !== 0) {
    throw new AgentError(`anyone may change the ${what} ${path}: name another, or chmod o-w it`);
  }
  if ((folderMode & ANYONE_WRITES) !== 0 && (folderMode & STICKY) === 0) {
    throw new AgentError(`anyone may replace the ${what} ${path}: chmod o-w its folder`);
  }
}

function modeOf(path: string): number | undefined {
  try {
    return statSync(path).mode;
  } catch {
    return undefined;
  }
}
