import { existsSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Beside the program where it is one file, else at the root of the checkout. */
const MANIFESTS = ['./package.json', '../../package.json'];

/** What this program is: its version, and when it was built (ISO 8601). */
export function agentBuild(): { readonly version: string; readonly builtAt: string } {
  const paths = MANIFESTS.map((file) => fileURLToPath(new URL(file, import.meta.url)));
  const path = paths.find(existsSync);
  if (path === undefined) throw new Error('cannot find package.json');
  const manifest: { readonly version: string } = JSON.parse(readFileSync(path, 'utf8'));
  const builtAt = statSync(fileURLToPath(import.meta.url)).mtime.toISOString();
  return { version: manifest.version, builtAt };
}
