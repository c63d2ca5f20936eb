import type { Clock } from '../lib/clock.ts';
import type { CounterMetric, Metrics } from '../lib/metrics.ts';
import type { AcceptedReport } from '../model/accepted-report.ts';

/** What makes a report the same as one before: its signature, and its place in its agent's run. */
export type ReportKey = Pick<AcceptedReport, 'owner' | 'signature' | 'runId' | 'sequence'>;

export type Claim =
  /** Nobody had it: the caller stores it and says how that went. */
  | { readonly status: 'new'; readonly settle: (accepted: boolean) => void }
  | { readonly status: 'duplicate' }
  /** Another request is storing the same report now; resolves to whether it was accepted. */
  | { readonly status: 'pending'; readonly outcome: Promise<boolean> };

export interface AcceptedReportsDeps {
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** As long as a signature is valid, so is a replay of it. */
const SIGNATURE_MILLIS = 15 * 60_000;
/** A spool may come back after hours. */
const RUN_MILLIS = 7 * 24 * 3_600_000;
const MAX_RUNS = 200_000;
/** Gaps in a run's numbers that are waited for; beyond it the oldest is given up as lost. */
const MAX_GAPS = 1024;
/** Bounded by the rate of reports, too; this is 1,000 a second for 15 minutes. */
const MAX_SIGNATURES = 900_000;

/** Consecutive numbers, both ends included. */
type Span = readonly [first: number, last: number];

interface Run {
  /** Every number up to this one was stored or given up. */
  contiguous: number;
  /**
   * What was received beyond a gap, ascending, never touching. Spans, not numbers: one report lost
   * by each of 6,000 hosts would else hold every later number of theirs.
   */
  ahead: readonly Span[];
  seenMillis: number;
}

/** The state as it is written beside the journal. */
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
 * Remembers which reports were accepted: a signature for 15 minutes, a sequence number of an agent
 * run for as long as the run is known. A number is remembered only once its report is durable.
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
      help: 'Reports that agents numbered and that are no longer waited for',
    });
    deps.metrics.observedGauge(
      {
        name: 'nfm_reports_missing',
        help: 'Reports that agents numbered, older than ones received, and not received yet',
      },
      () => this.missing,
    );
  }

  /** Reports not received though later ones of the same run were. */
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

  /** Takes a report as accepted: after its fsync, and at start for each found in the journal. */
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
    // A run first seen at n > 1 lost its beginning, or began before this server's memory: its
    // numbers below n are still accepted, so that a spool sent out of order is not refused.
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

  /** Runs are kept in the order they were last seen, so the oldest come first. */
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

/** Numbers of a run that were passed over and may still come. */
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

/** The spans with one number more, joined where they touch. */
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

/** 128 of an HMAC-SHA-256's 256 bits: enough to tell requests apart, half the memory. */
function shortSignature(signature: string): string {
  return signature.slice(0, 32);
}
