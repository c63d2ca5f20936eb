import type { Clock } from '../lib/clock.ts';
import { FairQueue } from '../lib/fair-queue.ts';
import type { Log } from '../lib/log.ts';
import type { Metrics } from '../lib/metrics.ts';
import type { Service } from '../lib/service.ts';
import { ApiError } from '../model/api-error.ts';
import { LIMITS } from '../model/limits.ts';
import type { Monitor } from '../model/monitor.ts';
import type { Owner } from '../model/owner.ts';
import {
  METRIC_UNIT,
  type QueryPage,
  type QueryRef,
  type QueryRequest,
  type QueryStatus,
  QueryTooLargeError,
} from '../model/query.ts';
import type { Scope } from '../model/scope.ts';
import type { PathFinder } from '../model/topology.ts';
import type { SqlFragment } from '../store/sql.ts';
import { monitorPlan, seriesPlan, workloadInsightsPlan } from './plan.ts';
import type { QueryOutcome, QueryTable, StoredQuery } from './query-table.ts';
import {
  insightsRow,
  type KeptMonitorRow,
  monitorRow,
  type StoredBin,
  type StoredInsightsRow,
  type StoredMonitorRow,
  series,
  withPath,
} from './rows.ts';

/** The account that asks, and a signal that aborts when the caller no longer needs the answer. */
export interface AskerOptions {
  readonly lane: string;
  readonly signal?: AbortSignal | undefined;
}

/** The part of the store that queries use. */
export interface FlowReader {
  query<Row>(statement: SqlFragment, options: AskerOptions): Promise<Row[]>;
}

/** The caller of a query that is answered at once. */
export interface Asker {
  readonly owner: Owner;
  /** Aborted when the caller leaves. */
  readonly signal?: AbortSignal | undefined;
}

export interface QueriesDeps {
  readonly table: QueryTable;
  readonly store: FlowReader;
  /** @throws ApiError ResourceNotFoundException */
  readonly scopeOf: (owner: Owner, scopeId: string) => Promise<Scope>;
  /** @throws ApiError ResourceNotFoundException */
  readonly monitorOf: (owner: Owner, monitorName: string) => Promise<Monitor>;
  /** Returns the current topology. */
  readonly paths: () => PathFinder;
  readonly newQueryId: () => string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly options: QueriesOptions;
}

export interface QueriesOptions {
  /** Limit of queries that run at the same time. */
  readonly concurrency: number;
  /** Limit of running and waiting queries per account. */
  readonly maxUnfinished: number;
}

const KEPT_MILLIS = 3_600_000;
const MAX_KEPT = LIMITS.keptQueries.perAccount;

/**
 * Runs the asynchronous queries: QUEUED → RUNNING → SUCCEEDED, FAILED or CANCELED. Accounts take
 * turns, so that the heavy queries of one do not delay another. Results are kept for an hour.
 */
export class Queries implements Service {
  readonly name = 'queries';
  readonly #deps: QueriesDeps;
  readonly #queue: FairQueue<StoredQuery>;
  readonly #running = new Map<string, AbortController>();
  readonly #active = new Set<Promise<void>>();
  #stopped = false;

  constructor(deps: QueriesDeps) {
    this.#deps = deps;
    this.#queue = new FairQueue();
    deps.metrics.observedGauge(
      { name: 'nfm_queries_running', help: 'Queries that are running' },
      () => this.#running.size,
    );
    deps.metrics.observedGauge(
      { name: 'nfm_queries_queued', help: 'Queries that wait for their turn' },
      () => this.#queue.size,
    );
  }

  async start(): Promise<void> {
    await this.#deps.table.start(this.#deps.clock.now());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const controller of this.#running.values()) controller.abort();
    await Promise.all(this.#active);
  }

  /** Queues a query and returns its id. */
  async startQuery(owner: Owner, request: QueryRequest): Promise<string> {
    const { table, clock, options } = this.#deps;
    await this.#prepare(owner, request);
    const now = clock.now();
    const max = MAX_KEPT - 1;
    await table.expire(owner.account, { oldestMillis: now - KEPT_MILLIS, max });
    const id = this.#deps.newQueryId();
    const query: StoredQuery = {
      id,
      owner,
      request,
      status: 'QUEUED',
      reason: '',
      createdMillis: now,
      finishedMillis: 0,
    };
    if (!(await table.add(query, options.maxUnfinished))) {
      throw new ApiError(
        'ThrottlingException',
        `account ${owner.account} has ${options.maxUnfinished} queries running or waiting; wait for one to end`,
      );
    }
    this.#queue.push(owner.account, query);
    this.#runNext();
    return id;
  }

  async status(owner: Owner, ref: QueryRef): Promise<QueryStatus> {
    return (await this.#find(owner, ref)).status;
  }

  /** Returns one page of rows of a SUCCEEDED query. */
  async results(
    owner: Owner,
    ref: QueryRef,
    page: { readonly offset: number; readonly limit: number },
  ): Promise<QueryPage> {
    const query = await this.#find(owner, ref);
    if (query.status !== 'SUCCEEDED') {
      const why = query.reason === '' ? '' : `: ${query.reason}`;
      throw new ApiError('ValidationException', `query ${query.id} is ${query.status}${why}`);
    }
    const rows = await this.#deps.table.rows(query.id, ref.kind);
    const end = page.offset + page.limit;
    return {
      kind: ref.kind,
      unit: METRIC_UNIT[query.request.metric],
      rows: this.#read(ref, owner, rows.slice(page.offset, end)),
      next: end < rows.length ? end : undefined,
    } as QueryPage;
  }

  /**
   * Adds the paths to the rows. Paths are not stored, because they are many times larger than rows.
   */
  #read({ kind }: QueryRef, owner: Owner, rows: QueryPage['rows']): QueryPage['rows'] {
    if (kind !== 'MonitorTopContributors') return rows;
    const paths = this.#deps.paths();
    return rows.map((row) => withPath(row as KeptMonitorRow, owner, paths));
  }

  /** Cancels a query; does nothing when it has finished. */
  async stopQuery(owner: Owner, ref: QueryRef): Promise<void> {
    const query = await this.#find(owner, ref);
    this.#queue.remove((waiting) => waiting.id === query.id);
    await this.#deps.table.finish(query.id, { status: 'CANCELED' }, this.#deps.clock.now());
    this.#running.get(query.id)?.abort();
  }

  async #find(owner: Owner, ref: QueryRef): Promise<StoredQuery> {
    const query = await this.#deps.table.find(owner, ref);
    const finished = query?.finishedMillis ?? 0;
    const isExpired = finished > 0 && finished < this.#deps.clock.now() - KEPT_MILLIS;
    if (query !== undefined && !isExpired) return query;
    throw new ApiError(
      'ResourceNotFoundException',
      `there is no query ${ref.queryId} of ${ref.resource}; results are kept for an hour`,
    );
  }

  #runNext(): void {
    if (this.#stopped || this.#running.size >= this.#deps.options.concurrency) return;
    const query = this.#queue.shift();
    if (query === undefined) return;
    const controller = new AbortController();
    this.#running.set(query.id, controller);
    const done = this.#run(query, controller.signal).finally(() => {
      this.#running.delete(query.id);
      this.#active.delete(done);
      this.#runNext();
    });
    this.#active.add(done);
    this.#runNext();
  }

  /** Never throws: a failure becomes the outcome of the query. */
  async #run(query: StoredQuery, signal: AbortSignal): Promise<void> {
    const { table, clock, log } = this.#deps;
    try {
      if (!(await table.markRunning(query.id))) return;
      const outcome = await this.#execute(query, signal);
      await table.finish(query.id, outcome, clock.now());
    } catch (error) {
      log.error('cannot keep the outcome of a query', { error, query: query.id });
    }
  }

  async #execute(query: StoredQuery, signal: AbortSignal): Promise<QueryOutcome> {
    try {
      const readRows = await this.#prepare(query.owner, query.request);
      return { status: 'SUCCEEDED', rows: await readRows(signal) };
    } catch (error) {
      if (signal.aborted) {
        const reason = 'the server was stopped while the query ran; start it again';
        return this.#stopped ? { status: 'FAILED', reason } : { status: 'CANCELED' };
      }
      this.#deps.log.error('query failed', { error, query: query.id });
      return { status: 'FAILED', reason: failureReason(error) };
    }
  }

  /**
   * Reads the monitor or scope that a query names, and returns how to read its rows from the flow
   * store.
   *
   * @throws ApiError ResourceNotFoundException
   */
  async #prepare(owner: Owner, request: QueryRequest): Promise<ReadRows> {
    const { store, monitorOf, scopeOf } = this.#deps;
    const { kind, resource } = request;
    const lane = owner.account;
    switch (kind) {
      case 'MonitorTopContributors': {
        const monitor = await monitorOf(owner, resource);
        const { targets } = await scopeOf(owner, idOf(monitor.scopeArn));
        return async (signal) => {
          const plan = monitorPlan(request, monitor, { owner, targets });
          const rows = await store.query<StoredMonitorRow>(plan, { lane, signal });
          return rows.map((row) => monitorRow(row, request.category));
        };
      }
      case 'WorkloadInsightsTopContributors': {
        const { targets } = await scopeOf(owner, resource);
        return async (signal) => {
          const plan = workloadInsightsPlan(request, targets);
          return (await store.query<StoredInsightsRow>(plan, { lane, signal })).map(insightsRow);
        };
      }
      case 'WorkloadInsightsTopContributorsData': {
        const { targets } = await scopeOf(owner, resource);
        return async (signal) =>
          series(await store.query<StoredBin>(seriesPlan(request, targets), { lane, signal }));
      }
      default:
        throw new Error(`no plan for ${String(kind satisfies never)}`);
    }
  }
}

/** The id at the end of a scope's ARN. */
function idOf(scopeArn: string): string {
  return scopeArn.slice(scopeArn.lastIndexOf('/') + 1);
}

type ReadRows = (signal: AbortSignal) => Promise<QueryPage['rows']>;

/** Explains an exceeded limit to the caller. The server's log has every other failure. */
function failureReason(error: unknown): string {
  if (error instanceof QueryTooLargeError || error instanceof ApiError) return error.message;
  return "the query failed; the server's log says why";
}
