import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../src/lib/testing.ts';
import type { Poster } from '../load/poster.ts';
import { encodeBody, makeReport } from '../load/report-source.ts';

/** An agent that sends its reports one after the other, each until it is taken. */
export class InsistentSender {
  readonly #run: number;
  readonly #flows: number;
  readonly #random: () => number;
  /** How often each status was answered; 0 stands for no answer. */
  readonly answers = new Map<number, number>();
  isDone = false;

  constructor(input: { readonly run: number; readonly flows: number; readonly seed: number }) {
    this.#run = input.run;
    this.#flows = input.flows;
    this.#random = seededRandom(input.seed + input.run);
  }

  get acknowledged(): number {
    return this.answers.get(200) ?? 0;
  }

  /** Until `isDone`, and the report it is at is taken. */
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
      while ((await this.#post(poster(), body)) !== 200) await delay(20);
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
