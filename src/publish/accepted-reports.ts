import type { Clock } from '../lib/clock.ts';
import type { CounterMetric, Metrics } from '../lib/metrics.ts';
import type { AcceptedReport } from '../model/accepted-report.ts';

/** Identifies a report: by its signature, and by its sequence number in the agent's run. */
export type ReportKey = Pick<AcceptedReport, 'owner' | 'signature' | 'runId' | 'sequence'>;

export type Claim =
  /** Not seen before. The caller stores it and calls `settle` with the outcome. */
  | { readonly status: 'new'; readonly settle: (accepted: boolean) => void }
  | { readonly status: 'duplicate' }
  /**
   * Another request is storing the same report. `outcome` resolves to true when it was accepted.
   */
  | { readonly status: 'pending'; readonly outcome: Promise<boolean> };

export interface AcceptedReportsDeps {
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** A signature is valid for 15 minutes, and so is a replay of it. */
const SIGNATURE_MILLIS = 15 * 60_000;
/**
 * A run is forgotten after 7 days without a report; an agent may send spooled reports hours late.
 */
const RUN_MILLIS = 7 * 24 * 3_600_000;
const MAX_RUNS = 200_000;
/** Gaps kept per run; beyond it the reports of the oldest gap count as lost. */
const MAX_GAPS = 1024;
/** Enough for 1,000 reports per second over 15 minutes. */
const MAX_SIGNATURES = 900_000;

/** A range of numbers with both ends included. */
type Span = readonly [first: number, last: number];

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

/** The state in the file beside the journal. */
export interface AcceptedReportsState {
  readonly signatures: readonly (readonly [signature: string, expiresMillis: number])[];
  readonly runs: readonly (readonly [
    key: string,
    contiguous: number,
    ahead: readonly Span[],
    seenMillis: number,
  ])[];
}

/**
 * Remembers the accepted reports: a signature for 15 minutes, and a sequence number of an agent's
 * run for as long as the run is known. It remembers a report only once the report is durable.
 */
export class AcceptedReports {
  readonly #clock: Clock;
  readonly #lost: CounterMetric;
  readonly #signatures = new Map<string, number>();
  readonly #runs = new Map<string, Run>();
  readonly #pending = new Map<string, Promise<boolean>>();

  constructor(deps: AcceptedReportsDeps) {
    this.#clock = deps.clock;
    this.#lost = deps.metrics.counter({
      name: 'nfm_reports_lost_total',
      help: 'Reports that never arrived, by gaps in the sequence numbers of agents, and count as lost',
    });
    deps.metrics.observedGauge(
      {
        name: 'nfm_reports_missing',
        help: 'Reports that have not arrived although later ones of the same agent have',
      },
      () => this.missing,
    );
  }

  /** Number of reports that are missing although later ones of the same run arrived. */
  get missing(): number {
    let sum = 0;
    for (const run of this.#runs.values()) sum += missingOf(run);
    return sum;
  }

  claim(key: ReportKey): Claim {
    if (this.#has(key)) return { status: 'duplicate' };
    const names = keyNames(key);
    const pending = names.map((name) => this.#pending.get(name)).find((p) => p !== undefined);
    if (pending !== undefined) return { status: 'pending', outcome: pending };
    let resolve: (accepted: boolean) => void = () => {};
    const outcome = new Promise<boolean>((done) => {
      resolve = done;
    });
    for (const name of names) this.#pending.set(name, outcome);
    const settle = (accepted: boolean) => {
      if (accepted) this.remember(key);
      for (const name of names) this.#pending.delete(name);
      resolve(accepted);
    };
    return { status: 'new', settle };
  }

  /** Remembers a report: after its fsync, and at the start for each report in the journal. */
  remember(key: ReportKey): void {
    const now = this.#clock.now();
    this.#signatures.set(shortSignature(key.signature), now + SIGNATURE_MILLIS);
    this.#expireSignatures(now);
    if (key.runId !== undefined && key.sequence !== undefined) {
      this.#rememberSequence(runName(key, key.runId), key.sequence);
    }
  }

  state(): AcceptedReportsState {
    return {
      signatures: [...this.#signatures],
      runs: [...this.#runs].map(([key, run]) => [key, run.contiguous, run.ahead, run.seenMillis]),
    };
  }

  restore(state: AcceptedReportsState): void {
    for (const [signature, expires] of state.signatures) this.#signatures.set(signature, expires);
    for (const [key, contiguous, ahead, seenMillis] of state.runs) {
      this.#runs.set(key, { contiguous, ahead, seenMillis });
    }
  }

  #has(key: ReportKey): boolean {
    const expires = this.#signatures.get(shortSignature(key.signature));
    if (expires !== undefined && expires > this.#clock.now()) return true;
    if (key.runId === undefined || key.sequence === undefined) return false;
    const run = this.#runs.get(runName(key, key.runId));
    if (run === undefined) return false;
    return key.sequence <= run.contiguous || isIn(run.ahead, key.sequence);
  }

  #rememberSequence(name: string, sequence: number): void {
    // A run first seen at n > 1 has lost its first reports, or is older than this server's memory.
    // Numbers below n are still accepted, because a spool may be sent out of order.
    const run: Run = this.#runs.get(name) ?? { contiguous: 0, ahead: [], seenMillis: 0 };
    this.#runs.delete(name);
    run.seenMillis = this.#clock.now();
    if (sequence > run.contiguous) run.ahead = withNumber(run.ahead, sequence);
    this.#closeGap(run);
    this.#runs.set(name, run);
    this.#forgetOldRuns();
  }

  #closeGap(run: Run): void {
    const [next, ...rest] = run.ahead;
    if (next === undefined) return;
    const [first, last] = next;
    if (first !== run.contiguous + 1 && run.ahead.length <= MAX_GAPS) return;
    this.#lost.add(first - run.contiguous - 1);
    run.contiguous = last;
    run.ahead = rest;
  }

  /** The map is ordered by the time a run was last seen, oldest first. */
  #forgetOldRuns(): void {
    const oldest = this.#clock.now() - RUN_MILLIS;
    for (const [name, run] of this.#runs) {
      if (this.#runs.size <= MAX_RUNS && run.seenMillis >= oldest) return;
      this.#lost.add(missingOf(run));
      this.#runs.delete(name);
    }
  }

  #expireSignatures(now: number): void {
    for (const [signature, expires] of this.#signatures) {
      if (expires > now && this.#signatures.size <= MAX_SIGNATURES) return;
      this.#signatures.delete(signature);
    }
  }
}

/** How many numbers of a run are in gaps; their reports may still arrive. */
function missingOf({ contiguous, ahead }: Run): number {
  let missing = 0;
  let previous = contiguous;
  for (const [first, last] of ahead) {
    missing += first - previous - 1;
    previous = last;
  }
  return missing;
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

function keyNames(key: ReportKey): string[] {
  const signature = `signature ${shortSignature(key.signature)}`;
  if (key.runId === undefined || key.sequence === undefined) return [signature];
  return [signature, `sequence ${runName(key, key.runId)} ${key.sequence}`];
}

function runName(key: ReportKey, runId: string): string {
  return `${key.owner.account}/${key.owner.region}/${runId}`;
}

/**
 * The first 128 of 256 bits of an HMAC-SHA-256: enough to distinguish requests, in half the memory.
 */
function shortSignature(signature: string): string {
  return signature.slice(0, 32);
}
