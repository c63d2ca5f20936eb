import { existsSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ServerProcess } from '../../src/lab/server-process.ts';
import type { Credentials } from '../../src/wire/sigv4/sign.ts';
import { PostgresUnderTest } from '../postgres-under-test.ts';
import { countRows } from './count-rows.ts';
import { type DoorAnswer, knock, REPORT_HEADERS, reportBytes, signed } from './door.ts';

const FLOWS = 5;
const isMissing = !existsSync('/usr/lib/postgresql');

describe.skipIf(isMissing)('while its PostgreSQL is in trouble, the server', () => {
  let postgres: PostgresUnderTest;
  let server: ServerProcess;
  let agent: Credentials;
  let admin: Credentials;
  let accepted = 0;

  beforeEach(async () => {
    postgres = new PostgresUnderTest();
    await postgres.start();
    server = await ServerProcess.start({ flags: ['--database', postgres.url] });
    agent = await server.credentials('agent');
    admin = await server.credentials('default');
    accepted = 0;
    await publishAll(3);
  });
  afterEach(async () => {
    postgres.thaw();
    await server.dispose();
    await postgres.remove();
  });

  /** Every report must be accepted: the agent's key was used a moment ago. */
  async function publishAll(count: number): Promise<void> {
    const body = gzipSync(reportBytes(FLOWS));
    for (let i = 0; i < count; i += 1) {
      const headers = { ...REPORT_HEADERS, 'x-nfm-attempt': String(accepted) };
      const answer = await knock(server.endpoint, {
        headers: signed(body, { credentials: agent, headers }),
        body,
      });
      expect(answer).toMatchObject({ status: 200 });
      accepted += 1;
    }
  }

  function listMonitors(): Promise<DoorAnswer> {
    const options = { credentials: admin, method: 'GET', target: '/monitors' };
    const body = Buffer.alloc(0);
    const headers = signed(body, options);
    return knock(server.endpoint, { method: 'GET', target: '/monitors', headers });
  }

  async function expectNothingLost(): Promise<void> {
    await server.waitUntilStored();
    expect(await server.stop()).toBe(0);
    const rows = accepted * FLOWS;
    expect(await countRows(server.data)).toMatchObject({ rows });
  }

  test('goes on taking reports while it is stopped, and answers again once it is back', async () => {
    expect(await listMonitors()).toMatchObject({ status: 200 });
    for (let round = 0; round < 3; round += 1) {
      await postgres.stop();
      await publishAll(5);
      expect(await listMonitors()).toMatchObject({
        status: 503,
        error: 'ServiceUnavailableException',
      });
      await postgres.start();
      await expect.poll(async () => (await listMonitors()).status).toBe(200);
    }
    await expectNothingLost();
  });

  test('goes on taking reports while it is frozen, and stops in time', async () => {
    postgres.freeze();
    await publishAll(20);
    const asked = listMonitors();
    await publishAll(20);
    expect(await asked).toMatchObject({ status: 503 });
    await expectNothingLost();
  });

  test('goes on taking reports while it takes no writes', async () => {
    await postgres.stop();
    await postgres.start({ default_transaction_read_only: 'on' });
    await publishAll(10);
    await expect.poll(async () => (await listMonitors()).status).toBe(200);
    await expectNothingLost();
  });
});
