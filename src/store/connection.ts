import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import { createChdbConnection } from 'chdb/connection';
import { printSql, type SqlFragment } from './sql.ts';

/** The folder of the embedded ClickHouse, or the URL of a cluster. */
export type StoreLocation =
  | { readonly path: string }
  | {
      readonly url: string;
      readonly username: string;
      readonly password: string;
      readonly database: string;
    };

export interface InsertRequest {
  readonly table: string;
  readonly columns: readonly string[];
  /** One block in Native format. The rows of one day become one part, all or none of them. */
  readonly block: Buffer;
  /**
   * Deduplication token. ClickHouse stores only the first insert with a token that it remembers.
   */
  readonly token: string;
}

export interface QueryLimits {
  readonly maxSeconds: number;
  readonly maxMemoryBytes: number;
}

/**
 * A connection to ClickHouse. An embedded connection runs one statement at a time, so the store
 * opens several on the same path. Connections to a cluster are cheap.
 */
export interface StoreConnection {
  insert(request: InsertRequest): Promise<void>;
  command(statement: SqlFragment): Promise<void>;
  /**
   * Returns rows as JSON objects, with 64-bit integers as strings. `marker` identifies the query in
   * `system.processes`.
   */
  query<Row>(
    statement: SqlFragment,
    options: QueryLimits & { readonly marker: string },
  ): Promise<Row[]>;
  close(): Promise<void>;
}

/** With one thread the block stays whole, and becomes one part. */
const INSERT_SETTINGS = 'max_threads = 1, max_insert_threads = 1';

const BLOCK_SUFFIX = '.native';

export async function openConnection(location: StoreLocation): Promise<StoreConnection> {
  return 'path' in location ? await openEmbedded(location.path) : openCluster(location);
}

/**
 * Removes the block files that a crash left beside the embedded store. No connection may be open.
 */
export async function removeLeftBlocks(location: StoreLocation): Promise<void> {
  if (!('path' in location)) return;
  const folder = dirname(location.path);
  for (const name of await readdir(folder).catch(() => [])) {
    if (name.startsWith('insert-') && name.endsWith(BLOCK_SUFFIX)) await rm(join(folder, name));
  }
}

async function openEmbedded(path: string): Promise<StoreConnection> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const connection = createChdbConnection({ path });
  // Both types are the same interface of @clickhouse/client-common. They differ in optional members
  // only, which exactOptionalPropertyTypes rejects.
  const client = createClient({ connection } as unknown as Parameters<typeof createClient>[0]);
  await client.command({ query: 'SELECT 1' });
  // chDB's insert call accepts text formats only, but the `file` function reads every format.
  // `file` reads its path as a pattern, and the folder's name may have braces, so the path goes
  // through a handle of the folder.
  const folder = await open(dirname(path), 'r');
  const file = join(`/proc/self/fd/${folder.fd}`, `insert-${randomUUID()}${BLOCK_SUFFIX}`);
  const { close, ...rest } = overClient(client);
  return {
    ...rest,
    async close() {
      await close();
      await folder.close();
    },
    async insert({ table, columns, block, token }) {
      const list = columns.join(', ');
      try {
        await writeFile(file, block, { mode: 0o600 });
        await connection.chdb.queryAsync(
          `INSERT INTO ${table} (${list}) SETTINGS ${INSERT_SETTINGS}, insert_deduplication_token = ${quote(token)} SELECT ${list} FROM file(${quote(file)}, 'Native')`,
        );
      } finally {
        await rm(file, { force: true });
      }
    },
  };
}

/**
 * Quotes a literal for statements in which chDB accepts no parameters. Its text is never a user's.
 */
function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function openCluster(location: Extract<StoreLocation, { url: string }>): StoreConnection {
  return overClient(createClient({ ...location, keep_alive: { enabled: true } }));
}

function overClient(client: ClickHouseClient): StoreConnection {
  return {
    async insert({ table, columns, block, token }) {
      const { stream } = await client.exec({
        query: `INSERT INTO ${table} (${columns.join(', ')}) SETTINGS async_insert = 0, insert_deduplication_token = ${quote(token)} FORMAT Native`,
        values: Readable.from([block]),
      });
      stream.destroy();
    },
    async command(statement) {
      const { text, params } = printSql(statement);
      await client.command({ query: text, query_params: { ...params } });
    },
    async query<Row>(statement: SqlFragment, options: QueryLimits & { readonly marker: string }) {
      const { text, params } = printSql(statement);
      const result = await client.query({
        query: `/* ${options.marker} */ ${text}`,
        query_params: { ...params },
        format: 'JSONEachRow',
        clickhouse_settings: {
          output_format_json_quote_64bit_integers: 1,
          max_execution_time: options.maxSeconds,
          max_memory_usage: String(options.maxMemoryBytes),
        },
      });
      return await result.json<Row>();
    },
    close: () => client.close(),
  };
}

/** Returns a unique marker that is safe inside an SQL comment. */
export function newMarker(): string {
  return `nfm ${randomUUID()}`;
}
