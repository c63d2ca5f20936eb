import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../src/lib/testing.ts';
import type { Poster } from '../load/poster.ts';
import { encodeBody, makeReport } from '../load/report-source.ts';

const RETRY_MILLIS = 5;

/** An agent that sends its reports in sequence and repeats each until it is answered 200. */
export class InsistentSender {
  readonly #run: number;
  readonly #flows: number;
  readonly #random: () => number;
  /** The number of answers by status; 0 counts posts without an answer. */
  readonly answers = new Map<number, number>();
  isDone = false;

  constructor(input: { readonly run: number; readonly flows: number; readonly seed: number }) {
    this.#run = input.run;
    this.#flows = input.flows;
    this.#random = seededRandom(input.seed + input.run);
  }

  /** Sends reports until `isDone` is set and the current report is accepted. */
  async send(poster: () => Poster): Promise<void> {
    for (let sequence = 1; !this.isDone; sequence += 1) {
      const report = makeReport({
        host: this.#run,
        flows: this.#flows,
        timeMillis: Date.now(),
        random: this.#random,
        identity: { runId: `insistent-${this.#run}`, sequence },
      });
      const body = encodeBody(report);
      while ((await this.#post(poster(), body)) !== 200) await delay(RETRY_MILLIS);
    }
  }

  async #post(poster: Poster, body: Buffer): Promise<number> {
    const status = await poster.post(body).then(
      (answer) => answer.status,
      () => 0,
    );
    this.answers.set(status, (this.answers.get(status) ?? 0) + 1);
    return status;
  }
}

export function sumOf(senders: readonly InsistentSender[], status: number): number {
  return senders.reduce((total, sender) => total + (sender.answers.get(status) ?? 0), 0);
}
