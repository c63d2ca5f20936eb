import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What this program is: its version, and when it was built (ISO 8601). */
export function agentBuild(): { readonly version: string; readonly builtAt: string } {
  const manifest: { readonly version: string } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  const builtAt = statSync(fileURLToPath(import.meta.url)).mtime.toISOString();
  return { version: manifest.version, builtAt };
}
