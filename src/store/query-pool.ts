import { FairQueue } from '../lib/fair-queue.ts';
import type { Log } from '../lib/log.ts';
import { pause } from '../lib/pause.ts';
import { ApiError } from '../model/api-error.ts';
import { LIMITS } from '../model/limits.ts';
import { QueryTooLargeError } from '../model/query.ts';
import {
  newMarker,
  openConnection,
  type QueryLimits,
  type StoreConnection,
  type StoreLocation,
} from './connection.ts';
import { param, raw, type SqlFragment, sql } from './sql.ts';

/** An account with more waiting queries must wait before it asks again. */
const MAX_WAITING_PER_LANE = LIMITS.waitingStatements.perAccount;
const MAX_WAITING = LIMITS.waitingStatements.total;
const MAX_WAIT_MILLIS = 60_000;
const KILL_AGAIN_MILLIS = 100;

/** The lane of the server's own queries, such as those of health. */
const SERVER_LANE = '';

export interface QueryOptions {
  /**
   * The account that asks; lanes take turns. Without a lane the query is the server's own, and has
   * a connection that no account can take.
   */
  readonly lane?: string | undefined;
  /** Aborting also ends the work in ClickHouse. */
  readonly signal?: AbortSignal | undefined;
}

export interface QueryPoolDeps {
  /** Queries that run at once; each holds a thread of libuv's pool while it runs. */
  readonly size: number;
  readonly limits: QueryLimits;
  /**
   * Opens the connection that kills queries. A connection runs one statement at a time, so the
   * connection of the query itself cannot kill it.
   */
  readonly control: () => StoreConnection;
  readonly log: Log;
}

/** ClickHouse's messages for an exceeded limit, from chDB and from the server. */
const LIMIT_ERRORS: readonly (readonly [RegExp, string])[] = [
  [/TIMEOUT_EXCEEDED|timeout exceeded|max_execution_time/i, 'took too long'],
  [/MEMORY_LIMIT|memory limit/i, 'needed too much memory'],
];

interface RunningQuery {
  readonly abort: AbortController;
  readonly ended: Promise<void>;
}

interface Waiting {
  readonly lane: string;
  readonly resolve: (connection: StoreConnection) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * The connections that run queries. Lanes take turns for the next free one, and one connection is
 * kept for the server's own queries. A query that waits too long is rejected.
 */
export class QueryPool {
  readonly #deps: QueryPoolDeps;
  readonly #idle: StoreConnection[] = [];
  readonly #waiting = new FairQueue<Waiting>();
  readonly #running = new Set<RunningQuery>();
  /** How many connections each lane holds. */
  readonly #held = new Map<string, number>();
  #isOpen = false;

  constructor(deps: QueryPoolDeps) {
    this.#deps = deps;
  }

  async start(location: StoreLocation): Promise<void> {
    for (let i = 0; i < this.#deps.size; i += 1) this.#idle.push(await openConnection(location));
    this.#isOpen = true;
  }

  /** Rejects waiting queries and ends running ones. */
  async stop(): Promise<void> {
    this.#isOpen = false;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      next.reject(notStarted());
    }
    for (const { abort } of this.#running) abort.abort(new Error('the store is stopping'));
    await Promise.all([...this.#running].map(({ ended }) => ended));
    for (const connection of this.#idle.splice(0)) await connection.close();
  }

  /**
   * Runs a query on the next free connection.
   *
   * @throws the signal's reason when the signal was aborted
   * @throws ApiError ThrottlingException when too many queries wait, or this one waited too long
   * @throws QueryTooLargeError when it takes too long or needs too much memory
   */
  async query<Row>(statement: SqlFragment, options: QueryOptions = {}): Promise<Row[]> {
    options.signal?.throwIfAborted();
    const connection = await this.#take(options);
    const abort = new AbortController();
    const leave = () => abort.abort(options.signal?.reason);
    options.signal?.addEventListener('abort', leave, { once: true });
    if (options.signal?.aborted) leave();
    const answer = this.#run<Row>(connection, statement, abort.signal);
    const running = { abort, ended: answer.then(ignore, ignore) };
    this.#running.add(running);
    try {
      return await answer;
    } finally {
      options.signal?.removeEventListener('abort', leave);
      this.#running.delete(running);
      this.#giveBack(connection, options.lane);
    }
  }

  async #run<Row>(
    connection: StoreConnection,
    statement: SqlFragment,
    signal: AbortSignal,
  ): Promise<Row[]> {
    const marker = newMarker();
    const ended = new AbortController();
    const kill = () => void this.#killUntil(ended.signal, marker);
    try {
      signal.throwIfAborted();
      signal.addEventListener('abort', kill, { once: true });
      return await connection.query<Row>(statement, { ...this.#deps.limits, marker });
    } catch (error) {
      ended.abort();
      // chDB keeps a failed statement and its memory until the connection runs the next one.
      await connection.command(sql`SELECT 1`).catch(() => {});
      signal.throwIfAborted();
      throw tooLarge(error) ?? error;
    } finally {
      ended.abort();
      signal.removeEventListener('abort', kill);
    }
  }

  /** Runs a statement of the server's own without rows, such as INSERT … SELECT. */
  async change(statement: SqlFragment): Promise<void> {
    const connection = await this.#take({});
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
      while (taken.length < this.#deps.size) {
        taken.push(await this.#take({}));
      }
      await act();
    } finally {
      for (const connection of taken) this.#giveBack(connection);
    }
  }

  /** An aborted caller leaves the queue at once, because a connection may take long to get free. */
  #take({ lane = SERVER_LANE, signal }: QueryOptions): Promise<StoreConnection> {
    if (!this.#isOpen) throw notStarted();
    const free = this.#mayTurn(lane) ? this.#idle.pop() : undefined;
    if (free !== undefined) return Promise.resolve(this.#lend(free, lane));
    if (this.#waiting.sizeOf(lane) >= MAX_WAITING_PER_LANE || this.#waiting.size >= MAX_WAITING) {
      throw new ApiError('ThrottlingException', 'too many queries wait for the store; ask later');
    }
    return new Promise((resolve, reject) => {
      const leave = (reason: unknown) => {
        this.#waiting.remove((other) => other === waiting);
        settle(() => reject(reason));
      };
      const abort = () => leave(signal?.reason);
      const timer = setTimeout(() => leave(waitedTooLong()), MAX_WAIT_MILLIS);
      const settle = (act: () => void) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        act();
      };
      const waiting: Waiting = {
        lane,
        resolve: (connection) => settle(() => resolve(connection)),
        reject: (reason) => settle(() => reject(reason)),
      };
      this.#waiting.push(lane, waiting);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Accounts leave one connection to the server's own queries. */
  #mayTurn(lane: string): boolean {
    if (lane === SERVER_LANE) return true;
    let held = 0;
    for (const [holder, count] of this.#held) if (holder !== SERVER_LANE) held += count;
    return held < Math.max(1, this.#deps.size - 1);
  }

  #lend(connection: StoreConnection, lane: string): StoreConnection {
    this.#held.set(lane, this.#heldBy(lane) + 1);
    return connection;
  }

  #heldBy(lane: string): number {
    return this.#held.get(lane) ?? 0;
  }

  /** Gives the connection to the waiting lane that holds the fewest connections. */
  #giveBack(connection: StoreConnection, lane = SERVER_LANE): void {
    if (this.#heldBy(lane) > 1) this.#held.set(lane, this.#heldBy(lane) - 1);
    else this.#held.delete(lane);
    const lanes = [...this.#waiting.accounts()].filter((waiting) => this.#mayTurn(waiting));
    const fewest = Math.min(...lanes.map((waiting) => this.#heldBy(waiting)));
    const next = this.#waiting.shift(
      (waiting) => lanes.includes(waiting) && this.#heldBy(waiting) === fewest,
    );
    if (next !== undefined) next.resolve(this.#lend(connection, next.lane));
    else if (this.#isOpen) this.#idle.push(connection);
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

function ignore(): void {}

/** The error of a limit that `connection.query` sets; undefined for any other error. */
function tooLarge(cause: unknown): QueryTooLargeError | undefined {
  const message = cause instanceof Error ? cause.message : '';
  const limit = LIMIT_ERRORS.find(([pattern]) => pattern.test(message))?.[1];
  if (limit === undefined) return undefined;
  return new QueryTooLargeError(`the query ${limit}; ask for a shorter time range`, { cause });
}

function waitedTooLong(): ApiError {
  const seconds = MAX_WAIT_MILLIS / 1000;
  return new ApiError(
    'ThrottlingException',
    `the query waited ${seconds} s for its turn; ask later`,
  );
}

export function notStarted(): Error {
  return new Error('the store is not started');
}
