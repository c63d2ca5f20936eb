import type { Clock } from '../lib/clock.ts';
import type { CounterMetric, Metrics } from '../lib/metrics.ts';
import { LIMITS } from '../model/limits.ts';

/** A range of numbers with both ends included. */
export type Span = readonly [first: number, last: number];

/** A run in the state file. The key begins with the account and a slash. */
export type SavedRun = readonly [
  key: string,
  contiguous: number,
  ahead: readonly Span[],
  seenMillis: number,
];

interface Run {
  /** Every number up to this one was stored or counts as lost. */
  contiguous: number;
  /**
   * Received numbers beyond a gap, as ascending spans that do not touch. Spans instead of numbers,
   * because one lost report of each of 6,000 hosts would otherwise keep all their later numbers.
   */
  ahead: readonly Span[];
  seenMillis: number;
}

/** An agent may send spooled reports hours late. */
const RUN_MILLIS = 7 * 24 * 3_600_000;
const SWEEP_MILLIS = 60_000;
const MAX_RUNS = LIMITS.reportRuns.total;
/** Gaps kept per run; beyond it the reports of the oldest gap count as lost. */
const MAX_GAPS = 1024;
/**
 * Limit of missing reports that are counted for a run, because a sender may claim any number: 7
 * days of one report per 30 s.
 */
const MAX_MISSING_PER_RUN = 20_160;
const MAX_MISSING_PER_ACCOUNT = 1_000_000;

/** The sequence numbers of agents' runs that were received. */
export class ReportRuns {
  readonly #clock: Clock;
  readonly #maxRuns: number;
  readonly #lost: CounterMetric;
  readonly #capped: CounterMetric;
  readonly #displaced: CounterMetric;
  /** Runs by account and key, ordered by the time they were last seen, oldest first. */
  readonly #accounts = new Map<string, Map<string, Run>>();
  #size = 0;
  #sweptMillis = 0;

  constructor(deps: { clock: Clock; metrics: Metrics; maxRuns?: number }) {
    const { metrics } = deps;
    this.#clock = deps.clock;
    this.#maxRuns = deps.maxRuns ?? MAX_RUNS;
    this.#lost = metrics.counter({
      name: 'nfm_reports_lost_total',
      help: 'Reports that never arrived, by gaps in the sequence numbers of agents, and count as lost',
    });
    this.#capped = metrics.counter({
      name: 'nfm_report_gaps_capped_total',
      help: 'Reports whose sequence number leaves a gap of more than 20,160; the gap counts as 20,160',
    });
    this.#displaced = metrics.counter({
      name: 'nfm_report_runs_displaced_total',
      help: 'Runs of agents forgotten early because 200,000 are known; the account with the most loses its oldest',
    });
    metrics.observedGauge(
      {
        name: 'nfm_reports_missing',
        help: 'Reports that have not arrived although later ones of the same agent have',
      },
      () => this.missing,
    );
  }

  get missing(): number {
    let sum = 0;
    for (const runs of this.#accounts.values()) {
      let ofAccount = 0;
      for (const run of runs.values()) ofAccount += missingOf(run);
      sum += Math.min(ofAccount, MAX_MISSING_PER_ACCOUNT);
    }
    return sum;
  }

  has(key: string, sequence: number): boolean {
    const run = this.#accounts.get(accountOf(key))?.get(key);
    if (run === undefined) return false;
    return sequence <= run.contiguous || isIn(run.ahead, sequence);
  }

  add(key: string, sequence: number): void {
    const account = accountOf(key);
    const runs = this.#accounts.get(account) ?? new Map<string, Run>();
    // A run first seen at n > 1 has lost its first reports, or is older than this server's memory.
    // Numbers below n are still accepted, because a spool may be sent out of order.
    const run: Run = runs.get(key) ?? { contiguous: 0, ahead: [], seenMillis: 0 };
    if (!runs.delete(key)) this.#size += 1;
    run.seenMillis = this.#clock.now();
    const latest = run.ahead.at(-1)?.[1] ?? run.contiguous;
    if (sequence - latest - 1 > MAX_MISSING_PER_RUN) this.#capped.add(1);
    if (sequence > run.contiguous) run.ahead = withNumber(run.ahead, sequence);
    this.#closeGap(run);
    runs.set(key, run);
    this.#accounts.set(account, runs);
    this.#forgetOldRuns();
  }

  saved(): readonly SavedRun[] {
    return [...this.#accounts.values()].flatMap((runs) =>
      [...runs].map(([key, run]): SavedRun => [key, run.contiguous, run.ahead, run.seenMillis]),
    );
  }

  restore([key, contiguous, ahead, seenMillis]: SavedRun): void {
    const account = accountOf(key);
    const runs = this.#accounts.get(account) ?? new Map<string, Run>();
    if (!runs.has(key)) this.#size += 1;
    runs.set(key, { contiguous, ahead, seenMillis });
    this.#accounts.set(account, runs);
  }

  #closeGap(run: Run): void {
    const [next, ...rest] = run.ahead;
    if (next === undefined) return;
    const [first, last] = next;
    if (first !== run.contiguous + 1 && run.ahead.length <= MAX_GAPS) return;
    this.#lost.add(Math.min(first - run.contiguous - 1, MAX_MISSING_PER_RUN));
    run.contiguous = last;
    run.ahead = rest;
  }

  #forgetOldRuns(): void {
    const now = this.#clock.now();
    // Finding the oldest entry of a map walks over deleted ones, so it is not done for each report.
    if (Math.abs(now - this.#sweptMillis) >= SWEEP_MILLIS) {
      this.#sweptMillis = now;
      this.#forgetBefore(now - RUN_MILLIS);
    }
    while (this.#size > this.#maxRuns) {
      const [account, runs] = largestOf(this.#accounts);
      const [key = ''] = runs.keys();
      this.#forget(account, key);
      this.#displaced.add(1);
    }
  }

  #forgetBefore(oldest: number): void {
    for (const [account, runs] of this.#accounts) {
      for (const [key, run] of runs) {
        if (run.seenMillis >= oldest) break;
        this.#forget(account, key);
      }
    }
  }

  #forget(account: string, key: string): void {
    const runs = this.#accounts.get(account);
    const run = runs?.get(key);
    if (runs === undefined || run === undefined) return;
    this.#lost.add(missingOf(run));
    runs.delete(key);
    this.#size -= 1;
    if (runs.size === 0) this.#accounts.delete(account);
  }
}

function largestOf<Value extends { readonly size: number }>(
  accounts: ReadonlyMap<string, Value>,
): readonly [account: string, value: Value] {
  return [...accounts].reduce((most, entry) => (entry[1].size > most[1].size ? entry : most));
}

function accountOf(key: string): string {
  return key.slice(0, key.indexOf('/'));
}

/** How many numbers of a run are in gaps; their reports may still arrive. */
function missingOf({ contiguous, ahead }: Run): number {
  let missing = 0;
  let previous = contiguous;
  for (const [first, last] of ahead) {
    missing += first - previous - 1;
    previous = last;
  }
  return Math.min(missing, MAX_MISSING_PER_RUN);
}

function isIn(spans: readonly Span[], number: number): boolean {
  return spans.some(([first, last]) => number >= first && number <= last);
}

/** Adds a number to the spans, and joins spans that touch then. */
function withNumber(spans: readonly Span[], number: number): readonly Span[] {
  if (isIn(spans, number)) return spans;
  const before = spans.filter(([, last]) => last < number - 1);
  const after = spans.filter(([first]) => first > number + 1);
  const touching = spans.slice(before.length, spans.length - after.length);
  const first = Math.min(number, touching[0]?.[0] ?? number);
  const last = Math.max(number, touching.at(-1)?.[1] ?? number);
  return [...before, [first, last], ...after];
}
