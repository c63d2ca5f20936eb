import { readdirSync } from 'node:fs';
import pg from 'pg';

/**
 * What the process holds open: its handles and timers by kind, and how many descriptors (Linux).
 * Equal before a service starts and after it stops, or it leaks. Requests of the file system are
 * left out: they stay listed until they are collected, long after they are done.
 */
export function resourcesInUse(): readonly string[] {
  const kinds = process.getActiveResourcesInfo().filter((kind) => !kind.startsWith('FSReq'));
  return [...kinds.sort(), `${readdirSync('/proc/self/fd').length} descriptors`];
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
