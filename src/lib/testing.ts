import { readdirSync } from 'node:fs';
import pg from 'pg';

/**
 * What the process holds open: its handles and timers by kind, and its descriptors (Linux). Requests
 * of the file system are left out: they stay listed until they are collected, long after they are done.
 */
export function resourcesInUse(): readonly string[] {
  const kinds = process.getActiveResourcesInfo().filter((kind) => !kind.startsWith('FSReq'));
  return [...kinds, ...readdirSync('/proc/self/fd').map(() => 'descriptor')];
}

/**
 * What is held open now and was not before a service started: after it stopped nothing, or it
 * leaks. To be polled: the test runner has timers of its own, which come and go.
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
 * The URL of an empty schema of this process's own in a PostgreSQL database, so that test files may
 * run beside each other.
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

/** A reproducible sequence of numbers in [0, 1): mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
