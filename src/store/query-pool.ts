import type { Log } from '../lib/log.ts';
import { pause } from '../lib/pause.ts';
import { ApiError } from '../model/api-error.ts';
import {
  newMarker,
  openConnection,
  type QueryLimits,
  type StoreConnection,
  type StoreLocation,
} from './connection.ts';
import { param, raw, type SqlFragment, sql } from './sql.ts';

/** More waiting queries are rejected: their callers would wait too long. */
const MAX_WAITING = 100;
const KILL_AGAIN_MILLIS = 100;

export interface QueryPoolDeps {
  /** Queries that run at once; each holds a thread of libuv's pool while it runs. */
  readonly size: number;
  readonly limits: QueryLimits;
  /**
   * The connection that kills queries. It is another one, since each runs one statement at a time.
   */
  readonly control: () => StoreConnection;
  readonly log: Log;
}

interface Waiting {
  readonly resolve: (connection: StoreConnection) => void;
  readonly reject: (reason: unknown) => void;
}

/** The connections that run queries. A query waits for the next free one. */
export class QueryPool {
  readonly #deps: QueryPoolDeps;
  readonly #idle: StoreConnection[] = [];
  readonly #waiting = new Set<Waiting>();
  #isOpen = false;

  constructor(deps: QueryPoolDeps) {
    this.#deps = deps;
  }

  async start(location: StoreLocation): Promise<void> {
    for (let i = 0; i < this.#deps.size; i += 1) this.#idle.push(await openConnection(location));
    this.#isOpen = true;
  }

  /** Rejects waiting queries. A running query goes on, and its connection closes when it ends. */
  async stop(): Promise<void> {
    this.#isOpen = false;
    for (const { reject } of this.#waiting) reject(notStarted());
    this.#waiting.clear();
    for (const connection of this.#idle.splice(0)) await connection.close();
  }

  /**
   * Runs a query on the next free connection. Aborting also ends the work in ClickHouse.
   *
   * @throws the signal's reason when the signal was aborted
   * @throws ApiError ThrottlingException when too many queries wait already
   */
  async query<Row>(statement: SqlFragment, signal?: AbortSignal): Promise<Row[]> {
    signal?.throwIfAborted();
    const connection = await this.#take(signal);
    const marker = newMarker();
    const ended = new AbortController();
    const kill = () => void this.#killUntil(ended.signal, marker);
    try {
      signal?.throwIfAborted();
      signal?.addEventListener('abort', kill, { once: true });
      return await connection.query<Row>(statement, { ...this.#deps.limits, marker });
    } catch (error) {
      ended.abort();
      // chDB keeps a failed statement and its memory until the connection runs the next one.
      await connection.command(sql`SELECT 1`).catch(() => {});
      signal?.throwIfAborted();
      throw error;
    } finally {
      ended.abort();
      signal?.removeEventListener('abort', kill);
      this.#giveBack(connection);
    }
  }

  /** Runs a statement without rows, such as INSERT … SELECT, on the next free connection. */
  async change(statement: SqlFragment): Promise<void> {
    const connection = await this.#take(undefined);
    try {
      await connection.command(statement);
    } finally {
      this.#giveBack(connection);
    }
  }

  /** Calls `act` while no query runs. Queries wait meanwhile. */
  async whileIdle(act: () => Promise<void>): Promise<void> {
    const taken: StoreConnection[] = [];
    try {
      while (taken.length < this.#deps.size) taken.push(await this.#take(undefined));
      await act();
    } finally {
      for (const connection of taken) this.#giveBack(connection);
    }
  }

  /** An aborted caller leaves the queue at once, because a connection may take long to get free. */
  #take(signal: AbortSignal | undefined): Promise<StoreConnection> {
    if (!this.#isOpen) throw notStarted();
    const free = this.#idle.pop();
    if (free !== undefined) return Promise.resolve(free);
    if (this.#waiting.size >= MAX_WAITING) {
      throw new ApiError('ThrottlingException', 'too many queries wait for the store; ask later');
    }
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { resolve, reject };
      this.#waiting.add(waiting);
      const leave = () => {
        if (this.#waiting.delete(waiting)) reject(signal?.reason);
      };
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  #giveBack(connection: StoreConnection): void {
    const [next] = this.#waiting;
    if (next !== undefined) {
      this.#waiting.delete(next);
      next.resolve(connection);
    } else if (this.#isOpen) this.#idle.push(connection);
    else void connection.close().catch((error) => this.#deps.log.warn('cannot close', { error }));
  }

  /** Kills repeatedly, because `system.processes` does not show a query that was just sent. */
  async #killUntil(ended: AbortSignal, marker: string): Promise<void> {
    while (!ended.aborted) {
      await this.#kill(marker);
      await pause(KILL_AGAIN_MILLIS, ended);
    }
  }

  async #kill(marker: string): Promise<void> {
    const { control, limits, log } = this.#deps;
    try {
      const running = await control().query<{ query_id: string }>(
        sql`SELECT query_id FROM system.processes WHERE position(query, ${param('String', `/* ${marker} */`)}) = 1`,
        { ...limits, marker: newMarker() },
      );
      for (const { query_id } of running) {
        const id = query_id.replace(/[^\w-]/g, '');
        await control().command(raw(`KILL QUERY WHERE query_id = '${id}' ASYNC`));
      }
    } catch (error) {
      log.warn('cannot kill a query', { error });
    }
  }
}

export function notStarted(): Error {
  return new Error('the store is not started');
}
