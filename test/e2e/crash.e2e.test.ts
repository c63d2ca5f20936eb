import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { ServerProcess } from '../../src/lab/server-process.ts';
import { seededRandom } from '../../src/lib/testing.ts';
import { Poster } from '../load/poster.ts';
import { countRows } from './count-rows.ts';
import { InsistentSender, sumOf } from './insistent-sender.ts';

const KILLS = 22;
const SENDERS = 6;
const FLOWS = 100;
const SEED = 20_261_123;

let server: ServerProcess | undefined;

afterEach(async () => {
  await server?.dispose();
  server = undefined;
});

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
  const senders = Array.from(
    { length: SENDERS },
    (_, run) => new InsistentSender({ run, flows: FLOWS, seed: SEED }),
  );
  const sending = senders.map((sender) => sender.send(() => poster));
  try {
    for (let kill = 0; kill < KILLS; kill += 1) {
      // Kill the server after a random number of further answers, so that each kill finds another
      // state.
      const target = sumOf(senders, 200) + Math.floor(random() * 150);
      while (sumOf(senders, 200) < target) await delay(2);
      await current.kill();
      await current.restart();
    }
  } finally {
    for (const sender of senders) sender.isDone = true;
  }
  await Promise.all(sending);
  poster.close();

  const acknowledged = sumOf(senders, 200);
  await current.waitUntilStored();
  await current.stop();
  const stored = await countRows(current.data);
  expect(stored).toEqual({ rows: acknowledged * FLOWS, distinct: acknowledged * FLOWS });
  const unanswered = sumOf(senders, 0);
  console.log(
    `${KILLS} kills: ${acknowledged} reports acknowledged, ${unanswered} posts unanswered, ${stored.rows} rows stored`,
  );
}, 300_000);
