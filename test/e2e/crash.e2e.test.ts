import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { ServerProcess } from '../../src/lab/server-process.ts';
import { seededRandom } from '../../src/lib/testing.ts';
import { Poster } from '../load/poster.ts';
import { encodeBody, makeReport } from '../load/report-source.ts';
import { countRows } from './count-rows.ts';

const KILLS = 22;
const SENDERS = 6;
const FLOWS = 100;
const SEED = 20_261_123;

let server: ServerProcess | undefined;

afterEach(async () => {
  await server?.dispose();
  server = undefined;
});

/** An agent that sends its reports in order and each until it is answered 200. */
class InsistentSender {
  readonly #run: number;
  readonly #random: () => number;
  acknowledged = 0;
  repeated = 0;

  constructor(run: number) {
    this.#run = run;
    this.#random = seededRandom(SEED + run);
  }

  async sendUntil(isDone: () => boolean, poster: () => Poster): Promise<void> {
    for (let sequence = 1; !isDone(); sequence += 1) {
      const report = makeReport({
        host: this.#run,
        flows: FLOWS,
        timeMillis: Date.now(),
        random: this.#random,
        identity: {
          runId: `00000000-0000-4000-8000-${String(this.#run).padStart(12, '0')}`,
          sequence,
        },
      });
      await this.#sendOnce(encodeBody(report), poster);
      this.acknowledged += 1;
    }
  }

  /** The same report again after every lost answer, also of a server that is just being killed. */
  async #sendOnce(body: Buffer, poster: () => Poster): Promise<void> {
    for (;;) {
      const answer = await poster()
        .post(body)
        .catch(() => undefined);
      if (answer?.status === 200) return;
      this.repeated += 1;
      await delay(2);
    }
  }
}

test(`every acknowledged report is stored exactly once over ${KILLS} kills of the server under load`, async () => {
  server = await ServerProcess.start({ listen: '127.0.0.1:18139' });
  const current = server;
  const poster = new Poster({
    endpoint: current.endpoint,
    credentials: await current.credentials('agent'),
    region: 'us-east-1',
    connections: SENDERS,
  });
  const random = seededRandom(SEED);
  const senders = Array.from({ length: SENDERS }, (_, run) => new InsistentSender(run));
  let isDone = false;
  const sending = senders.map((sender) =>
    sender.sendUntil(
      () => isDone,
      () => poster,
    ),
  );
  try {
    for (let kill = 0; kill < KILLS; kill += 1) {
      // At a moment of the load's own: after so many more reports were answered.
      const target = total(senders) + Math.floor(random() * 150);
      while (total(senders) < target) await delay(2);
      await current.kill();
      await current.restart();
    }
  } finally {
    isDone = true;
  }
  await Promise.all(sending);
  poster.close();

  const acknowledged = total(senders);
  await current.waitUntilStored();
  await current.stop();
  const stored = await countRows(current.data);
  expect(stored).toEqual({ rows: acknowledged * FLOWS, distinct: acknowledged * FLOWS });
  const repeated = senders.reduce((sum, sender) => sum + sender.repeated, 0);
  console.log(
    `${KILLS} kills: ${acknowledged} reports acknowledged, ${repeated} posts unanswered, ${stored.rows} rows stored`,
  );
});

function total(senders: readonly InsistentSender[]): number {
  return senders.reduce((sum, sender) => sum + sender.acknowledged, 0);
}
