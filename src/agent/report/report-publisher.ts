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

/** Of what waited, so many reports are sent in the time in which one is made. */
const CATCH_UP = 5;

/** What says that the server stumbled, perhaps over this very report. */
const INTERNAL_ERROR = 500;

export interface ReportPublisherDeps {
  readonly endpoint: {
    post(report: EncodedReport, signal: AbortSignal): Promise<PostResult>;
  };
  readonly spool: ReportSpool;
  /** The time between two reports, and the longest between two attempts. */
  readonly periodMillis: number;
  readonly compression: 'gzip' | 'none';
  /** Called when the server will not have this sender, before it took anything: once, for good. */
  readonly onForbidden: (reason: string) => void;
  readonly log: Log;
  /** 0 to 1 (exclusive), uniform. */
  readonly random: () => number;
}

/** What became of reports since the last report. */
export interface DeliveryCounters {
  /** Posts not answered 200. */
  readonly publish_report_failed: number;
  /** Reports refused for good. */
  readonly reports_refused: number;
  /** Reports dropped for want of room. */
  readonly reports_dropped: number;
  /** Reports found damaged in the spool. */
  readonly reports_corrupted: number;
}

/**
 * Sends each report until it is taken, refused for good, or dropped; one at a time. A new report goes
 * first, once; what waited follows, oldest first, five for each new one, so that servers that come
 * back are not overrun. A sender that is forbidden from the first was set up wrongly and gives up;
 * one whose keys worked before goes on trying. Gzip runs in libuv's pool.
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
  #tells = 0;
  #wasAccepted = false;

  constructor(deps: ReportPublisherDeps) {
    this.#deps = deps;
  }

  /** Reports that are not taken yet. */
  get waiting(): number {
    return this.#deps.spool.length;
  }

  /** Takes up what an earlier run left. Throws an AgentError when the spool cannot be used. */
  async start(): Promise<void> {
    await this.#deps.spool.start();
    this.#sendOn();
  }

  /** For the report being made; a dropped report's own are told again by a later one. */
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
    this.#tells += counters.reports_dropped;
    return counters;
  }

  /** Encodes a report and keeps it: durable, where there is a spool, when this returns. */
  async publish(report: Report): Promise<void> {
    const bytes = encodeReport(report);
    const isGzip = this.#deps.compression === 'gzip';
    const encoded = { bytes: isGzip ? await compress(bytes) : bytes, isGzip };
    const tells = this.#tells;
    this.#tells = 0;
    this.#fresh = await this.#deps.spool.add(encoded, tells);
    this.#woken.abort();
    this.#sendOn();
  }

  /** Sends the newest report, and, when nothing else keeps them, all; then ends, at most so late. */
  async stop(limitMillis: number): Promise<void> {
    const { spool, log } = this.#deps;
    this.#isDraining = true;
    this.#woken.abort();
    const limit = AbortSignal.timeout(limitMillis);
    limit.addEventListener('abort', () => this.#stopped.abort(), { once: true });
    await this.#sending;
    await spool.stop();
    if (spool.length > 0) log.warn('reports left', { reports: spool.length });
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
    // In the same turn as finding nothing to send: what is published next starts it again.
    this.#isSending = false;
  }

  #next(): SpooledReport | undefined {
    const { spool } = this.#deps;
    if (this.#stopped.signal.aborted) return undefined;
    if (this.#fresh !== undefined && spool.has(this.#fresh)) return this.#fresh;
    const { oldest } = spool;
    // What is in its file is there for the next run.
    return this.#isDraining && oldest?.inMemory === undefined ? undefined : oldest;
  }

  /** @returns how long to wait until the next is sent */
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
    log.warn('report not taken', { status, reason, number: report.number });
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
