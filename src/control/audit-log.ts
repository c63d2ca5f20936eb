import type { Kysely } from 'kysely';
import type { Database } from '../lib/database.ts';
import { largestOf } from '../lib/fair-table.ts';
import type { Log } from '../lib/log.ts';
import { Loop } from '../lib/loop.ts';
import type { CounterMetric, Metrics } from '../lib/metrics.ts';
import type { Service } from '../lib/service.ts';
import { Turns } from '../lib/turns.ts';
import type { AuditEvent } from '../model/audit-event.ts';
import { LIMITS } from '../model/limits.ts';
import type { ControlTables } from './control-tables.ts';

export interface AuditLogDeps {
  readonly database: Database;
  readonly log: Log;
  readonly metrics: Metrics;
  /**
   * How many events of each kind to keep: changes, failed changes and reads. Each kind drops its
   * own oldest. 0 records nothing.
   */
  readonly maxEvents: number;
}

export interface AuditQuery {
  readonly account: string;
  /** Milliseconds since 1970; the range excludes `untilMillis`. */
  readonly fromMillis: number;
  readonly untilMillis: number;
  readonly limit: number;
  readonly eventName?: string | undefined;
  readonly accessKeyId?: string | undefined;
  /** The `next` of the previous page. */
  readonly after?: string | undefined;
}

export interface AuditPage {
  /** Newest first. */
  readonly events: readonly AuditEvent[];
  /** Present if there are more events. */
  readonly next?: string | undefined;
}

interface Pending {
  readonly atMillis: number;
  readonly event: AuditEvent;
}

const FLUSH_MILLIS = 1_000;
/** Events held while the database is down, about 20 MB; more are dropped. */
const MAX_PENDING = LIMITS.auditPending.total;
const BATCH = 500;
/** Trims after this many new events, because it scans the index. */
const TRIM_EVERY = 1_000;

/**
 * Stores audit events in the control database: the last `maxEvents` changes, and as many failed
 * changes and reads, plus up to 1,000 until the next trim. Of each kind, the accounts with the most
 * events lose their oldest, so no account loses events to another that has more. `record` only
 * queues an event; each second all queued events are written. A crash loses the events of the last
 * second. A full queue drops events and counts them.
 */
export class AuditLog implements Service {
  readonly name = 'audit log';
  readonly #deps: AuditLogDeps;
  readonly #tables: Kysely<ControlTables>;
  readonly #dropped: CounterMetric;
  readonly #loop = new Loop({
    round: () => this.flush(),
    everyMillis: FLUSH_MILLIS,
    onError: (error) => this.#logFailure(error),
  });
  readonly #writes = new Turns();
  #pending: Pending[] = [];
  readonly #pendingOf = new Map<string, number>();
  #sinceTrim = TRIM_EVERY;

  constructor(deps: AuditLogDeps) {
    this.#deps = deps;
    this.#tables = deps.database.withTables<ControlTables>();
    this.#dropped = deps.metrics.counter({
      name: 'nfm_audit_dropped_total',
      help: 'Audit events dropped because too many of the server or of an account wait for the control database',
    });
  }

  async start(): Promise<void> {
    this.#loop.start();
  }

  /** Writes the queued events. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.flush().catch((error) => this.#logFailure(error));
  }

  /** Queues an event. */
  record(event: AuditEvent, atMillis: number): void {
    if (this.#deps.maxEvents === 0) return;
    const account = event.recipientAccountId;
    const own = this.#pendingOf.get(account) ?? 0;
    if (this.#pending.length >= MAX_PENDING) {
      this.#dropped.add(1);
      if (!this.#dropOfLarger(own)) return;
    }
    this.#pending.push({ event, atMillis });
    this.#pendingOf.set(account, own + 1);
  }

  /** Events of an account, newest first. Writes the queued events first, so they are included. */
  async find(query: AuditQuery): Promise<AuditPage> {
    await this.flush();
    const [afterMillis, afterId = ''] = query.after?.split('/') ?? [];
    let rows = this.#tables
      .selectFrom('audit_event')
      .select(['at_millis', 'event_id', 'event'])
      .where('account', '=', query.account)
      .where('at_millis', '>=', query.fromMillis)
      .where('at_millis', '<', query.untilMillis);
    const { eventName, accessKeyId } = query;
    if (eventName !== undefined) rows = rows.where('event_name', '=', eventName);
    if (accessKeyId !== undefined) rows = rows.where('access_key_id', '=', accessKeyId);
    if (afterMillis !== undefined) {
      const millis = Number(afterMillis);
      rows = rows.where(({ or, and, eb }) =>
        or([
          eb('at_millis', '<', millis),
          and([eb('at_millis', '=', millis), eb('event_id', '<', afterId)]),
        ]),
      );
    }
    const found = await rows
      .orderBy('at_millis', 'desc')
      .orderBy('event_id', 'desc')
      .limit(query.limit + 1)
      .execute();
    const page = found.slice(0, query.limit);
    const last = page.at(-1);
    return {
      events: page.map(({ event }) => readEvent(event)),
      next:
        found.length > page.length && last !== undefined
          ? `${last.at_millis}/${last.event_id}`
          : undefined,
    };
  }

  /** Writes the queued events, one write at a time. Rejects if the database does. */
  flush(): Promise<void> {
    return this.#writes.take(() => this.#write());
  }

  #logFailure(error: unknown): void {
    this.#deps.log.warn('cannot write the audit log', { error });
  }

  async #write(): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = this.#pending.slice(0, BATCH);
      await this.#tables
        .insertInto('audit_event')
        .values(batch.map(row))
        .onConflict((conflict) => conflict.column('event_id').doNothing())
        .execute();
      this.#pending = this.#pending.slice(batch.length);
      this.#countLess(batch);
      this.#sinceTrim += batch.length;
    }
    if (this.#sinceTrim < TRIM_EVERY) return;
    for (const kind of KINDS) await this.#trim(kind);
    this.#sinceTrim = 0;
  }

  /** Drops the newest event of the account with the most, unless that has only one more. */
  #dropOfLarger(count: number): boolean {
    const [largest, most] = largestOf(this.#pendingOf, (waiting) => waiting);
    if (most <= count + 1) return false;
    const isOfLargest = ({ event }: Pending) => event.recipientAccountId === largest;
    const at = this.#pending.findLastIndex(isOfLargest);
    // The first events may be in the write that is under way.
    if (at < BATCH) return false;
    this.#countLess(this.#pending.splice(at, 1));
    return true;
  }

  #countLess(written: readonly Pending[]): void {
    for (const { event } of written) {
      const account = event.recipientAccountId;
      const left = (this.#pendingOf.get(account) ?? 0) - 1;
      if (left > 0) this.#pendingOf.set(account, left);
      else this.#pendingOf.delete(account);
    }
  }

  async #trim(kind: number): Promise<void> {
    const counted = await this.#tables
      .selectFrom('audit_event')
      .select((build) => ['account', build.fn.countAll<number | string>().as('count')])
      .where('is_read', '=', kind)
      .groupBy('account')
      .execute();
    const counts = counted.map(({ account, count }) => ({ account, count: Number(count) }));
    const limit = fairLimit(
      counts.map(({ count }) => count),
      this.#deps.maxEvents,
    );
    for (const { account, count } of counts) {
      if (count > limit) await this.#trimAccount(account, kind, limit);
    }
  }

  async #trimAccount(account: string, kind: number, limit: number): Promise<void> {
    const oldest = await this.#tables
      .selectFrom('audit_event')
      .select('at_millis')
      .where('account', '=', account)
      .where('is_read', '=', kind)
      .orderBy('at_millis', 'desc')
      .limit(1)
      .offset(limit)
      .executeTakeFirst();
    if (oldest === undefined) return;
    await this.#tables
      .deleteFrom('audit_event')
      .where('account', '=', account)
      .where('is_read', '=', kind)
      .where('at_millis', '<=', oldest.at_millis)
      .execute();
  }
}

/** The greatest limit per account at which all accounts together keep at most `total` events. */
export function fairLimit(counts: readonly number[], total: number): number {
  let left = total;
  const ascending = counts.toSorted((a, b) => a - b);
  for (const [i, count] of ascending.entries()) {
    const share = Math.floor(left / (ascending.length - i));
    if (count > share) return share;
    left -= count;
  }
  return total;
}

/**
 * The kinds of events, in the column `is_read`. Failed changes are a kind of their own: a key that
 * is denied everything can make any number of them.
 */
const CHANGE = 0;
const READ = 1;
const FAILED_CHANGE = 2;
const KINDS = [CHANGE, READ, FAILED_CHANGE];

function kindOf({ readOnly, errorCode }: AuditEvent): number {
  if (readOnly) return READ;
  return errorCode === undefined ? CHANGE : FAILED_CHANGE;
}

function row({ event, atMillis }: Pending) {
  return {
    event_id: event.eventID,
    at_millis: atMillis,
    is_read: kindOf(event),
    account: event.recipientAccountId,
    access_key_id: event.userIdentity.accessKeyId,
    event_name: event.eventName,
    event: JSON.stringify(event),
  };
}

function readEvent(text: string): AuditEvent {
  return JSON.parse(text) as AuditEvent;
}
