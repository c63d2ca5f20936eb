import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { backoffMillis } from '../../lib/backoff.ts';
import type { Log } from '../../lib/log.ts';
import { pause } from '../../lib/pause.ts';
import type { Report } from '../../model/report.ts';
import { encodeReport } from '../../wire/otlp/encode-report.ts';
import type { EncodedReport, PostResult } from './endpoint.ts';
import type { ReportSpool, SpooledReport } from './report-spool.ts';

const compress = promisify(gzip);

const FIRST_RETRY_MILLIS = 500;

/** The number of waiting reports to send in each period. */
const CATCH_UP = 5;

/** The server failed, perhaps because of this report. */
const INTERNAL_ERROR = 500;

export interface ReportPublisherDeps {
  readonly endpoint: {
    post(report: EncodedReport, signal: AbortSignal): Promise<PostResult>;
  };
  readonly spool: ReportSpool;
  /** The time between two reports, and the longest wait between two attempts. */
  readonly periodMillis: number;
  readonly compression: 'gzip' | 'none';
  /** Called once, when the server rejects the key before it has ever accepted a report. */
  readonly onForbidden: (reason: string) => void;
  readonly log: Log;
  /** 0 to 1 (exclusive), uniform. */
  readonly random: () => number;
}

/** Outcomes of posts since the last report. */
export interface DeliveryCounters {
  /** Posts with an answer other than 200, or none. */
  readonly publish_report_failed: number;
  /** Reports that the server rejected for good. */
  readonly reports_refused: number;
  /** Reports dropped for want of room. */
  readonly reports_dropped: number;
  /** Reports found damaged in the spool. */
  readonly reports_corrupted: number;
}

/**
 * Sends reports one at a time, each until it is accepted, rejected for good, or dropped. A new report
 * is sent first, once; waiting ones follow, oldest first, five for each new one, so that a server
 * that returns is not overrun. If the first posts are forbidden, the setup is wrong and the agent
 * gives up; if the key has worked before, it keeps trying. Gzip runs in libuv's pool.
 */
export class ReportPublisher {
  readonly #deps: ReportPublisherDeps;
  readonly #stopped = new AbortController();
  #fresh: SpooledReport | undefined;
  #woken = new AbortController();
  #isDraining = false;
  #isSending = false;
  #sending: Promise<void> | undefined;
  #failures = 0;
  #failed = 0;
  #refused = 0;
  #droppedBefore = 0;
  #wasAccepted = false;

  constructor(deps: ReportPublisherDeps) {
    this.#deps = deps;
  }

  /** The number of reports that are not accepted yet. */
  get waiting(): number {
    return this.#deps.spool.length;
  }

  /**
   * Begins to send, with the reports of earlier runs.
   *
   * @throws AgentError when the spool cannot be used
   */
  async start(): Promise<void> {
    await this.#deps.spool.start();
    this.#sendOn();
  }

  /** The counters for the next report. If that report is dropped, a later one has them again. */
  takeCounters(): DeliveryCounters {
    const { spool } = this.#deps;
    const counters = {
      publish_report_failed: this.#failed,
      reports_refused: this.#refused,
      reports_dropped: spool.takeDropped(),
      reports_corrupted: spool.takeCorrupted(),
    };
    this.#failed = 0;
    this.#refused = 0;
    this.#droppedBefore += counters.reports_dropped;
    return counters;
  }

  /** Encodes a report and stores it. With a spool it is durable when this returns. */
  async publish(report: Report): Promise<void> {
    const bytes = encodeReport(report);
    const isGzip = this.#deps.compression === 'gzip';
    const encoded = { bytes: isGzip ? await compress(bytes) : bytes, isGzip };
    const droppedBefore = this.#droppedBefore;
    this.#droppedBefore = 0;
    this.#fresh = await this.#deps.spool.add(encoded, droppedBefore);
    this.#woken.abort();
    this.#sendOn();
  }

  /** Sends the newest report, and those without a file, within the limit; then ends. */
  async stop(limitMillis: number): Promise<void> {
    const { spool, log } = this.#deps;
    this.#isDraining = true;
    this.#woken.abort();
    const limit = AbortSignal.timeout(limitMillis);
    limit.addEventListener('abort', () => this.#stopped.abort(), { once: true });
    await this.#sending;
    await spool.stop();
    if (spool.length > 0) log.warn('stopped with unsent reports', { reports: spool.length });
  }

  #sendOn(): void {
    if (this.#isSending) return;
    this.#isSending = true;
    this.#sending = this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#woken = new AbortController();
      const isFresh = next === this.#fresh;
      this.#fresh = undefined;
      const wait = await this.#send(next, isFresh);
      if (wait > 0) await pause(wait, AbortSignal.any([this.#stopped.signal, this.#woken.signal]));
    }
    // Nothing awaits between `#next` finding no report and this line, so no `publish` is missed.
    this.#isSending = false;
  }

  #next(): SpooledReport | undefined {
    const { spool } = this.#deps;
    if (this.#stopped.signal.aborted) return undefined;
    if (this.#fresh !== undefined && spool.has(this.#fresh)) return this.#fresh;
    const { oldest } = spool;
    // The next run sends the reports in files.
    return this.#isDraining && oldest?.inMemory === undefined ? undefined : oldest;
  }

  /** @returns milliseconds to wait before the next report */
  async #send(report: SpooledReport, isFresh: boolean): Promise<number> {
    const { spool, endpoint, random, periodMillis } = this.#deps;
    const encoded = await spool.read(report);
    if (encoded === undefined) return 0;
    const result = await endpoint.post(encoded, this.#stopped.signal);
    if (result.status === 'accepted' || result.status === 'rejected') {
      await spool.remove(report);
      this.#failures = 0;
    }
    if (result.status === 'accepted') {
      this.#wasAccepted = true;
      if (isFresh || this.#isDraining) return 0;
      return (periodMillis / CATCH_UP) * (0.5 + random());
    }
    return this.#afterFailure(report, result);
  }

  #afterFailure(
    report: SpooledReport,
    result: Exclude<PostResult, { readonly status: 'accepted' }>,
  ): number {
    const { spool, log, random, onForbidden, periodMillis } = this.#deps;
    const { status, reason } = result;
    this.#failed += 1;
    log.warn('report not accepted', { status, reason, number: report.number });
    if (status === 'rejected') {
      this.#refused += 1;
      return 0;
    }
    if (status === 'forbidden' && !this.#wasAccepted) {
      this.#stopped.abort();
      onForbidden(reason);
      return 0;
    }
    if (result.httpStatus === INTERNAL_ERROR) spool.postpone(report);
    this.#failures += 1;
    const limits = { firstMillis: FIRST_RETRY_MILLIS, maxMillis: periodMillis, random };
    return backoffMillis(this.#failures, limits);
  }
}
