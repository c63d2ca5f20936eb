import { existsSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** package.json is beside the bundled program, else at the root of the checkout. */
const MANIFESTS = ['./package.json', '../../package.json'];

/** The version of this program and the time of its build (ISO 8601). */
export function agentBuild(): { readonly version: string; readonly builtAt: string } {
  const paths = MANIFESTS.map((file) => fileURLToPath(new URL(file, import.meta.url)));
  const path = paths.find(existsSync);
  if (path === undefined) throw new Error('cannot find package.json');
  const manifest: { readonly version: string } = JSON.parse(readFileSync(path, 'utf8'));
  const builtAt = statSync(fileURLToPath(import.meta.url)).mtime.toISOString();
  return { version: manifest.version, builtAt };
}
