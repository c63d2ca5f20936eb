import { sql } from 'kysely';
import { type Database, type Migration, runMigrations } from '../lib/database.ts';
import type { Owner } from '../model/owner.ts';
import type { QueryKind, QueryPage, QueryRef, QueryRequest, QueryStatus } from '../model/query.ts';

type QueryRow = {
  readonly id: string;
  readonly account: string;
  readonly region: string;
  readonly kind: string;
  readonly resource: string;
  readonly status: string;
  readonly request: string;
  /** Reason of a failure; "" otherwise. */
  readonly reason: string;
  /** The result rows as JSON, with 64-bit sums as text; "" without a result. */
  readonly rows: string;
  readonly created_millis: number;
  readonly finished_millis: number;
};

type QueryTables = {
  readonly queries: QueryRow;
};

export const QUERY_MIGRATIONS: readonly Migration[] = [
  {
    name: '001-queries',
    async up(database) {
      await database.schema
        .createTable('queries')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('account', 'text', (column) => column.notNull())
        .addColumn('region', 'text', (column) => column.notNull())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('resource', 'text', (column) => column.notNull())
        .addColumn('status', 'text', (column) => column.notNull())
        .addColumn('request', 'text', (column) => column.notNull())
        .addColumn('reason', 'text', (column) => column.notNull())
        .addColumn('rows', 'text', (column) => column.notNull())
        .addColumn('created_millis', 'bigint', (column) => column.notNull())
        .addColumn('finished_millis', 'bigint', (column) => column.notNull())
        .execute();
      await database.schema
        .createIndex('queries_by_account')
        .on('queries')
        .columns(['account', 'finished_millis'])
        .execute();
    },
  },
];

export interface StoredQuery {
  readonly id: string;
  readonly owner: Owner;
  readonly request: QueryRequest;
  readonly status: QueryStatus;
  readonly reason: string;
  readonly createdMillis: number;
  /** 0 while the query is unfinished. */
  readonly finishedMillis: number;
}

export type QueryOutcome =
  | { readonly status: 'SUCCEEDED'; readonly rows: QueryPage['rows'] }
  | { readonly status: 'FAILED'; readonly reason: string }
  | { readonly status: 'CANCELED' };

/** SQLite requires a LIMIT with an OFFSET. No account has this many queries. */
const MAX_DROPPED_AT_ONCE = 100_000;

const UNFINISHED: readonly QueryStatus[] = ['QUEUED', 'RUNNING'];

/** Stores queries and results in the control database, so that any server can return them. */
export class QueryTable {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Creates the table. Queries that a stopped server left unfinished become FAILED. */
  async start(nowMillis: number): Promise<void> {
    await runMigrations(this.#database, 'query', QUERY_MIGRATIONS);
    await this.#tables()
      .updateTable('queries')
      .set({
        status: 'FAILED',
        reason: 'the server was restarted while the query ran; start it again',
        finished_millis: nowMillis,
      })
      .where('status', 'in', UNFINISHED)
      .execute();
  }

  /**
   * Adds a query. Returns false, and adds nothing, when its account has `maxUnfinished` unfinished
   * queries. One statement checks and inserts, so that concurrent calls cannot exceed the limit.
   */
  async add(query: StoredQuery, maxUnfinished: number): Promise<boolean> {
    const { id, owner, request, status, createdMillis } = query;
    const row: QueryRow = {
      id,
      ...owner,
      kind: request.kind,
      resource: request.resource,
      status,
      request: JSON.stringify(request),
      reason: '',
      rows: '',
      created_millis: createdMillis,
      finished_millis: 0,
    };
    const tables = this.#tables();
    const values = Object.entries(row).map(([column, value]) => {
      const type = typeof value === 'number' ? sql`bigint` : sql`text`;
      return sql<string | number>`cast(${value} as ${type})`.as(column);
    });
    const { numInsertedOrUpdatedRows = 0n } = await tables
      .insertInto('queries')
      .columns(Object.keys(row) as (keyof QueryRow)[])
      .expression(
        tables.selectNoFrom(values).where(this.#unfinishedOf(owner.account), '<', maxUnfinished),
      )
      .executeTakeFirst();
    return numInsertedOrUpdatedRows > 0n;
  }

  async find(owner: Owner, ref: QueryRef): Promise<StoredQuery | undefined> {
    const row = await this.#tables()
      .selectFrom('queries')
      .select([
        'id',
        'account',
        'region',
        'request',
        'status',
        'reason',
        'created_millis',
        'finished_millis',
      ])
      .where('id', '=', ref.queryId)
      .where('account', '=', owner.account)
      .where('region', '=', owner.region)
      .where('kind', '=', ref.kind)
      .where('resource', '=', ref.resource)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    return {
      id: row.id,
      owner: { account: row.account, region: row.region },
      request: JSON.parse(row.request) as QueryRequest,
      status: row.status as QueryStatus,
      reason: row.reason,
      createdMillis: row.created_millis,
      finishedMillis: row.finished_millis,
    };
  }

  async rows(id: string, kind: QueryKind): Promise<QueryPage['rows']> {
    const row = await this.#tables()
      .selectFrom('queries')
      .select('rows')
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    return parseRows(row.rows, kind);
  }

  /** Returns false when the query is not QUEUED any more, because it was stopped. */
  async markRunning(id: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#tables()
      .updateTable('queries')
      .set({ status: 'RUNNING' })
      .where('id', '=', id)
      .where('status', '=', 'QUEUED')
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  /**
   * Only the first outcome counts: a query that is canceled while its rows arrive stays CANCELED.
   */
  async finish(id: string, outcome: QueryOutcome, nowMillis: number): Promise<void> {
    await this.#tables()
      .updateTable('queries')
      .set({
        status: outcome.status,
        reason: outcome.status === 'FAILED' ? outcome.reason : '',
        rows: outcome.status === 'SUCCEEDED' ? printRows(outcome.rows) : '',
        finished_millis: nowMillis,
      })
      .where('id', '=', id)
      .where('status', 'in', UNFINISHED)
      .execute();
  }

  /**
   * Deletes an account's queries that finished before `oldestMillis`, and its oldest beyond `max`.
   */
  async expire(
    account: string,
    limits: { readonly oldestMillis: number; readonly max: number },
  ): Promise<void> {
    const tables = this.#tables();
    const finished = tables
      .deleteFrom('queries')
      .where('status', 'not in', UNFINISHED)
      .where('account', '=', account);
    await finished.where('finished_millis', '<', limits.oldestMillis).execute();
    const beyond = tables
      .selectFrom('queries')
      .select('id')
      .where('account', '=', account)
      // Unfinished queries have 0 here. They count towards the limit and are kept.
      .orderBy((build) => build.case().when('finished_millis', '=', 0).then(0).else(1).end())
      .orderBy('finished_millis', 'desc')
      .orderBy('created_millis', 'desc')
      .orderBy('id')
      .limit(MAX_DROPPED_AT_ONCE)
      .offset(limits.max);
    await finished.where('id', 'in', beyond).execute();
  }

  #unfinishedOf(account: string) {
    return this.#tables()
      .selectFrom('queries')
      .select((build) => build.fn.countAll<number>().as('count'))
      .where('account', '=', account)
      .where('status', 'in', UNFINISHED);
  }

  #tables() {
    return this.#database.withTables<QueryTables>();
  }
}

/** Writes 64-bit sums as text, because JSON numbers would lose digits. */
function printRows(rows: QueryPage['rows']): string {
  return JSON.stringify(rows, (_, value) => (typeof value === 'bigint' ? String(value) : value));
}

function parseRows(text: string, kind: QueryKind): QueryPage['rows'] {
  const rows = JSON.parse(text) as QueryPage['rows'];
  if (kind === 'WorkloadInsightsTopContributorsData') return rows;
  return rows.map((row) =>
    'value' in row ? { ...row, value: BigInt(row.value) } : row,
  ) as QueryPage['rows'];
}
