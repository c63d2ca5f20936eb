import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, test, vi } from 'vitest';
import { ServerProcess } from '../../src/lab/server-process.ts';
import { checkoutRoot } from '../../src/lib/checkout-root.ts';
import { MILLIS_A_DAY } from '../../src/lib/durations.ts';
import { countRows } from './count-rows.ts';
import { knock, REPORT_HEADERS, reportBytes, signed } from './door.ts';

const PRELOAD = join(checkoutRoot(), 'test/e2e/moved-clock.mjs');
const FLOWS = 5;

let server: ServerProcess | undefined;

afterEach(async () => {
  vi.unstubAllEnvs();
  await server?.dispose();
  server = undefined;
});

/** The next start of the server has a clock that is off by so much. */
function moveClock(millis: number): void {
  vi.stubEnv('NODE_OPTIONS', `--import=${PRELOAD}`);
  vi.stubEnv('NFM_TEST_CLOCK_MILLIS', String(millis));
}

test('a start with the clock ahead or behind deletes nothing, and a confirmed clock does', async () => {
  server = await ServerProcess.start();
  const credentials = await server.credentials('agent');
  const body = gzipSync(reportBytes(FLOWS));
  const headers = signed(body, { credentials, headers: REPORT_HEADERS });
  expect(await knock(server.endpoint, { headers, body })).toMatchObject({ status: 200 });
  await server.waitUntilStored();
  await server.stop();
  for (const clock of [Date.now() + 9 * MILLIS_A_DAY, 0, 2 ** 32 * 1000 - MILLIS_A_DAY]) {
    moveClock(clock - Date.now());
    await server.restart();
    const rows = () => server?.metric('nfm_store_rows');
    await expect.poll(rows).toBe(FLOWS);
    expect(await server.metric('nfm_clock_suspect')).toBe(1);
    await server.stop();
  }
  vi.unstubAllEnvs();
  await server.restart();
  expect(await server.metric('nfm_clock_suspect')).toBe(0);
  await server.stop();
  expect((await countRows(server.data)).rows).toBe(FLOWS);

  moveClock(9 * MILLIS_A_DAY);
  const { data } = server;
  const confirmed = await ServerProcess.start({ data, flags: ['--trust-clock'] });
  try {
    const dropped = () => confirmed.metric('nfm_store_dropped_rows_total{reason="retention"}');
    await expect.poll(dropped).toBe(FLOWS);
  } finally {
    await confirmed.dispose();
  }
});
