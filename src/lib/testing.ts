import { readdirSync } from 'node:fs';
import pg from 'pg';

/**
 * Lists the open handles and timers of this process by kind, and its file descriptors (Linux).
 * Leaves out file system requests, because Node lists them until they are garbage collected.
 */
export function resourcesInUse(): readonly string[] {
  const kinds = process.getActiveResourcesInfo().filter((kind) => !kind.startsWith('FSReq'));
  return [...kinds, ...readdirSync('/proc/self/fd').map(() => 'descriptor')];
}

/**
 * Lists the resources that are open now and are not in `before`. After a service has stopped, the
 * list is empty unless the service leaks. Poll it, because the test runner has timers of its own.
 */
export function leakedSince(before: readonly string[]): readonly string[] {
  const known = [...before];
  return resourcesInUse().filter((kind) => {
    const at = known.indexOf(kind);
    if (at !== -1) known.splice(at, 1);
    return at === -1;
  });
}

/**
 * Creates an empty schema for this process in a PostgreSQL database and returns its URL, so that
 * test files can run in parallel.
 */
export async function emptyPostgresSchema(databaseUrl: string): Promise<string> {
  const schema = `nfm_test_${process.pid}`;
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
    await client.query(`CREATE SCHEMA ${schema}`);
  } finally {
    await client.end();
  }
  const separator = databaseUrl.includes('?') ? '&' : '?';
  return `${databaseUrl}${separator}options=-csearch_path%3D${schema}`;
}

/** Returns a reproducible generator of numbers in [0, 1) (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * A Markdown document with the text between `<!-- NAME: … -->` and `<!-- end of NAME -->` replaced.
 * Comparing it with the file (`toMatchFileSnapshot`) shows whether a generated section is fresh,
 * and `vitest -u` writes it.
 */
export function withSection(document: string, name: string, text: string): string {
  const pattern = new RegExp(`(<!-- ${name}: [^\\n]* -->\\n)[\\s\\S]*?(<!-- end of ${name} -->)`);
  if (!pattern.test(document)) throw new Error(`the document has no section ${name}`);
  return document.replace(pattern, (_, begin: string, end: string) => `${begin}${text}${end}`);
}
