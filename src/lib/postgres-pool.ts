import type { PostgresCursor, PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import pg from 'pg';
import { within } from './within.ts';

export interface PostgresPoolOptions {
  /** `postgres://…` */
  readonly url: string;
  /** Called once for each connection that breaks, idle or in use. The pool replaces it. */
  readonly onConnectionLost?: ((error: Error) => void) | undefined;
  /** The longest wait for a free or new connection. */
  readonly connectMillis?: number | undefined;
  /** The longest wait for the result of a statement. */
  readonly statementMillis?: number | undefined;
}

/** The database cannot be reached, does not answer in time, or rejects writes at the moment. */
export class DatabaseUnavailableError extends Error {
  override readonly name = 'DatabaseUnavailableError';
}

const MAX_CONNECTIONS = 8;
/** The longest wait for a new connection, and for a busy one when 100 requests share the pool. */
const CONNECT_MILLIS = 10_000;
const STATEMENT_MILLIS = 10_000;

/**
 * SQLSTATE classes and codes that a healthy statement gets from a database in trouble
 * (PostgreSQL manual, appendix A): 08 connection, 53 resources, 57 operator intervention,
 * 28 authentication, 3D000 no such database, 25006 read-only.
 */
const UNAVAILABLE = /^(08|28|53|57)|^(3D000|25006)$/;

/**
 * A pool of PostgreSQL connections that survives every state of its server: stopped, restarted,
 * frozen, read-only, full. A statement without a result in time fails, and the pool closes its
 * connection: a late result would otherwise be read as the result of the next statement.
 *
 * `connect` and `query` throw DatabaseUnavailableError when the state of the server is the reason,
 * and pg's own error when the statement is.
 */
export function postgresPool(options: PostgresPoolOptions): PostgresPool {
  const { connectMillis = CONNECT_MILLIS, statementMillis = STATEMENT_MILLIS } = options;
  const pool = new pg.Pool({
    connectionString: options.url,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: connectMillis,
    keepAlive: true,
    types: { getTypeParser },
    // Also ends the statement on the server, if the server still can.
    statement_timeout: statementMillis,
  });
  // pg-pool listens only to idle connections; one that breaks in use would end the process.
  pool.on('connect', (client) => {
    client.on('error', (error) => options.onConnectionLost?.(error));
  });
  // The listener of the connection has reported the error already.
  pool.on('error', () => {});
  return {
    connect: async () => {
      const client = await pool.connect().catch((cause: unknown) => {
        throw new DatabaseUnavailableError('cannot connect to PostgreSQL', { cause });
      });
      return deadlined(client, statementMillis);
    },
    end: () => pool.end(),
  };
}

/** A pooled connection whose statements have a deadline. The pool closes it once it is broken. */
function deadlined(client: pg.PoolClient, millis: number): PostgresPoolClient {
  let broken: DatabaseUnavailableError | undefined;
  const run = async (text: string, parameters: readonly unknown[]) => {
    if (broken !== undefined) throw broken;
    try {
      return await within(client.query(text, [...parameters]), { millis });
    } catch (cause) {
      if (!isUnavailable(cause)) throw cause;
      broken = new DatabaseUnavailableError('PostgreSQL does not answer', { cause });
      throw broken;
    }
  };
  function query<Row>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<Row>>;
  function query<Row>(cursor: PostgresCursor<Row>): PostgresCursor<Row>;
  function query(text: unknown, values: readonly unknown[] = []): unknown {
    if (typeof text !== 'string') throw new TypeError('cursors are not supported');
    return run(text, values);
  }
  return { query, release: () => client.release(broken) };
}

function isUnavailable(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return UNAVAILABLE.test(error.code ?? '');
  // pg throws a TypeError for a parameter that it cannot serialise. Every other error comes from
  // the connection.
  return !(error instanceof TypeError);
}

const INT8 = pg.types.builtins.INT8;

/** Reads int8 as a number, like SQLite does, instead of pg's string. */
const getTypeParser: typeof pg.types.getTypeParser = (oid: number, format?: 'text' | 'binary') =>
  oid === INT8 && format !== 'binary' ? Number : pg.types.getTypeParser(oid, format);
