import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { backoffMillis } from '../../lib/backoff.ts';
import type { Log } from '../../lib/log.ts';
import { pause } from '../../lib/pause.ts';
import type { Report } from '../../model/report.ts';
import { encodeReport } from '../../wire/otlp/encode-report.ts';
import type { EncodedReport, PostResult } from './endpoint.ts';

const compress = promisify(gzip);

/** About ten minutes of reports of the usual 40 kB: what a server may be away for. */
const MOST_WAITING = 20;

const RETRY = { firstMillis: 500, mostMillis: 15_000 };

export interface ReportPublisherDeps {
  readonly endpoint: {
    post(report: EncodedReport, signal: AbortSignal): Promise<PostResult>;
  };
  readonly compression: 'gzip' | 'none';
  /** Called when the server will not have this sender, before it took anything: once, for good. */
  readonly onForbidden: (reason: string) => void;
  readonly log: Log;
  /** 0 to 1 (exclusive), uniform. */
  readonly random: () => number;
}

/**
 * Sends reports in their order, one at a time, each until it is taken: a report is sent again, with
 * the same run id and sequence, until it succeeds, is refused for good, or is pushed out by newer
 * ones. A sender that is forbidden from the first was set up wrongly and gives up; one whose keys
 * worked before goes on trying. Gzip runs in libuv's pool.
 */
export class ReportPublisher {
  readonly name = 'report publisher';
  readonly #deps: ReportPublisherDeps;
  readonly #waiting: EncodedReport[] = [];
  readonly #stopped = new AbortController();
  #sending: Promise<void> | undefined;
  #failed = 0;
  #wasAccepted = false;

  constructor(deps: ReportPublisherDeps) {
    this.#deps = deps;
  }

  /** Posts not answered 200, and reports given up, since the last call. */
  takeFailed(): number {
    const failed = this.#failed;
    this.#failed = 0;
    return failed;
  }

  /** Encodes a report and puts it in the queue. */
  async publish(report: Report): Promise<void> {
    const bytes = encodeReport(report);
    const isGzip = this.#deps.compression === 'gzip';
    this.#waiting.push({ bytes: isGzip ? await compress(bytes) : bytes, isGzip });
    if (this.#waiting.length > MOST_WAITING) {
      this.#waiting.shift();
      this.#failed += 1;
      this.#deps.log.warn('report given up: too many wait for the server');
    }
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
  }

  /** Waits until the queue is empty, at most so long; then gives up what is left. */
  async drain(limitMillis: number): Promise<void> {
    const limit = AbortSignal.timeout(limitMillis);
    limit.addEventListener('abort', () => this.#stopped.abort(), { once: true });
    await this.#sending;
  }

  async #sendAll(): Promise<void> {
    for (let report = this.#waiting[0]; report !== undefined; report = this.#waiting[0]) {
      await this.#send(report);
      if (this.#stopped.signal.aborted) return;
      // It may have been pushed out meanwhile.
      if (this.#waiting[0] === report) this.#waiting.shift();
    }
  }

  async #send(report: EncodedReport): Promise<void> {
    const { endpoint, log, random, onForbidden } = this.#deps;
    const { signal } = this.#stopped;
    for (let attempt = 1; !signal.aborted && this.#waiting.includes(report); attempt += 1) {
      const result = await endpoint.post(report, signal);
      if (result.status === 'accepted') {
        this.#wasAccepted = true;
        return;
      }
      this.#failed += 1;
      if (result.status === 'forbidden' && !this.#wasAccepted) {
        this.#stopped.abort();
        onForbidden(result.reason);
        return;
      }
      log.warn('report not taken', { status: result.status, reason: result.reason, attempt });
      if (result.status === 'refused') return;
      await pause(backoffMillis(attempt, { ...RETRY, random }), signal);
    }
  }
}
