import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PostgresUnderTest } from '../../test/postgres-under-test.ts';
import { FakeClock } from '../lib/clock.ts';
import { type Database, openDatabase } from '../lib/database.ts';
import { AccessKeys } from './access-keys.ts';
import type { SigningAccessKey } from './authenticator.ts';
import { SecretBox } from './secret-box.ts';

const account = '123456789012';
const masterKey = randomBytes(32);
const DAY_MILLIS = 24 * 3_600_000;

describe.skipIf(!existsSync('/usr/lib/postgresql'))(
  'access keys while PostgreSQL is in trouble',
  () => {
    let postgres: PostgresUnderTest;
    let database: Database;
    let clock: FakeClock;
    let here: AccessKeys;
    let there: AccessKeys;
    let key: SigningAccessKey;

    beforeAll(() => {
      postgres = new PostgresUnderTest();
    });
    beforeEach(async () => {
      await postgres.start();
      const times = { connectMillis: 300, statementMillis: 300 };
      database = await openDatabase({ url: postgres.url, ...times });
      clock = new FakeClock(1_796_000_000_000);
      here = accessKeys();
      there = accessKeys();
      await here.migrate();
      key = await here.create({ account, grant: { kind: 'agent' } });
      await here.find(key.accessKeyId);
      await here.refresh();
    });
    afterEach(async () => {
      postgres.thaw();
      await database.destroy();
      await postgres.stop();
    });
    afterAll(() => postgres.remove());

    function accessKeys(): AccessKeys {
      const secrets = new SecretBox({ key: masterKey, random: randomBytes });
      return new AccessKeys({ database, secrets, clock, random: randomBytes });
    }

    test('a cached key is found without waiting for a frozen database', async () => {
      postgres.freeze();
      clock.advance(600_000);
      const refreshed = here.refresh().catch((error: Error) => error.message);
      const first = await Promise.race([here.find(key.accessKeyId), refreshed]);
      expect(first).toEqual(key);
      expect(await refreshed).toBe('PostgreSQL does not answer');
    });

    test('a cached key is found while the database is stopped, a day after its last use at most', async () => {
      await postgres.stop();
      await expect(here.refresh()).rejects.toThrow();
      clock.advance(DAY_MILLIS - 1);
      expect(await here.find(key.accessKeyId)).toEqual(key);
      clock.advance(DAY_MILLIS);
      await expect(here.find(key.accessKeyId)).rejects.toMatchObject({
        name: 'ServiceUnavailableException',
      });
    });

    test('a key revoked elsewhere is dropped by the first refresh that gets an answer', async () => {
      await there.delete(account, key.accessKeyId);
      postgres.freeze();
      await expect(here.refresh()).rejects.toThrow();
      clock.advance(60_000);
      expect(await here.find(key.accessKeyId)).toEqual(key);
      postgres.thaw();
      await here.refresh();
      expect(await here.find(key.accessKeyId)).toBeUndefined();
    });

    test('a policy changed elsewhere takes effect with the next refresh', async () => {
      await there.update(key.accessKeyId, { grant: { kind: 'read' } });
      await here.refresh();
      expect(await here.find(key.accessKeyId)).toEqual({ ...key, kind: 'read' });
    });
  },
);
