import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { AgentError } from './agent-error.ts';

const ANYONE_WRITES = 0o002;
/** The sticky bit: in such a folder, like /tmp, only a file's owner may replace the file. */
const STICKY = 0o1000;

/**
 * Rejects a file or folder that any user of this host may change, or replace in its folder, because
 * the agent acts on it with its privileges. Accepts a missing file.
 *
 * @throws AgentError with the remedy
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
