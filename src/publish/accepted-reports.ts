import type { Clock } from '../lib/clock.ts';
import type { Metrics } from '../lib/metrics.ts';
import type { AcceptedReport } from '../model/accepted-report.ts';
import { LIMITS } from '../model/limits.ts';
import { ReportRuns, type SavedRun } from './report-runs.ts';
import { type SavedSignature, SignatureMemory } from './signature-memory.ts';

/** Identifies a report: by its signature, and by its sequence number in the agent's run. */
export type ReportKey = Pick<
  AcceptedReport,
  'owner' | 'signature' | 'signedAtMillis' | 'runId' | 'sequence'
>;

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
  readonly maxSignatures?: number;
  readonly maxRuns?: number;
}

/**
 * A signature is valid until 15 minutes after the time of signing, which may lie 15 minutes ahead.
 * The extra minute covers a clock that is set back meanwhile.
 */
const SIGNATURE_MILLIS = (15 + 1) * 60_000;
/** Enough for 1,000 reports per second over 15 minutes. */
const MAX_SIGNATURES = LIMITS.signatures.total;

/** The state in the file beside the journal. */
export interface AcceptedReportsState {
  readonly signatures: readonly SavedSignature[];
  readonly runs: readonly SavedRun[];
}

/**
 * Remembers the accepted reports: a signature for as long as it is valid, and a sequence number of
 * an agent's run for as long as the run is known. It remembers a report only once the report is
 * durable.
 */
export class AcceptedReports {
  readonly #clock: Clock;
  readonly #signatures: SignatureMemory;
  readonly #runs: ReportRuns;
  readonly #pending = new Map<string, Promise<boolean>>();

  constructor(deps: AcceptedReportsDeps) {
    const { clock, metrics, maxSignatures = MAX_SIGNATURES, maxRuns } = deps;
    this.#clock = clock;
    const forgotten = metrics.counter({
      name: 'nfm_publish_signatures_forgotten_total',
      help: 'Signatures forgotten while still valid because 900,000 are known; the account with the most loses its oldest',
    });
    this.#signatures = new SignatureMemory(maxSignatures, (count) => forgotten.add(count));
    this.#runs = new ReportRuns({ clock, metrics, ...(maxRuns === undefined ? {} : { maxRuns }) });
  }

  /** Number of reports that are missing although later ones of the same run arrived. */
  get missing(): number {
    return this.#runs.missing;
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
    const expires = key.signedAtMillis + SIGNATURE_MILLIS;
    if (expires > now) {
      this.#signatures.add([shortSignature(key.signature), expires, key.owner.account]);
    }
    this.#signatures.forget(now);
    if (key.runId !== undefined && key.sequence !== undefined) {
      this.#runs.add(runName(key, key.runId), key.sequence);
    }
  }

  state(): AcceptedReportsState {
    return { signatures: this.#signatures.saved(), runs: this.#runs.saved() };
  }

  restore(state: AcceptedReportsState): void {
    for (const signature of state.signatures) this.#signatures.add(signature);
    for (const run of state.runs) this.#runs.restore(run);
  }

  #has(key: ReportKey): boolean {
    const { account } = key.owner;
    if (this.#signatures.has(account, shortSignature(key.signature), this.#clock.now())) {
      return true;
    }
    if (key.runId === undefined || key.sequence === undefined) return false;
    return this.#runs.has(runName(key, key.runId), key.sequence);
  }
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
