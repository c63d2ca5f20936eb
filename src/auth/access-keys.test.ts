import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { type Database, openDatabase } from '../lib/database.ts';
import { AccessKeys, type FirstKeys } from './access-keys.ts';
import { Accounts } from './accounts.ts';
import { BUILT_IN_POLICIES } from './compiled-policy.ts';
import { writeCredentialsFile } from './credentials-file.ts';
import { loadMasterKey, parseMasterKey, type RandomBytes } from './master-key.ts';
import { parsePolicy } from './policy-document.ts';
import { SecretBox } from './secret-box.ts';

const account = '123456789012';
const masterKey = randomBytes(32);

let folder: string;
let database: Database;
let clock: FakeClock;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nfm-auth-'));
  database = await openDatabase({ url: `sqlite:${join(folder, 'control.db')}` });
  clock = new FakeClock(1_796_000_000_000);
  await accessKeys().migrate();
});
afterEach(async () => {
  await database.destroy();
  rmSync(folder, { recursive: true });
});

/** One server's view: its own cache over the shared database. */
function accessKeys(key = masterKey, random: RandomBytes = randomBytes): AccessKeys {
  const secrets = new SecretBox({ key, random: randomBytes });
  return new AccessKeys({ database, secrets, clock, random });
}

const deliver = async () => {};

test("a new key has AWS's form and is found with its secret", async () => {
  const key = await accessKeys().create({ account, grant: { kind: 'agent' } });
  expect(key.accessKeyId).toMatch(/^AKIA[A-Z2-7]{16}$/);
  expect(key.secretAccessKey).toMatch(/^[A-Za-z0-9+/]{40}$/);
  expect(await accessKeys().find(key.accessKeyId)).toEqual(key);
});

test('lists the keys of one account without secrets', async () => {
  const keys = accessKeys();
  const { accessKeyId } = await keys.create({ account, grant: { kind: 'admin' } });
  await keys.create({ account: '210987654321', grant: { kind: 'agent' } });
  expect(await keys.list(account)).toEqual([
    {
      accessKeyId,
      account,
      kind: 'admin',
      status: 'ENABLED',
      description: '',
      policy: BUILT_IN_POLICIES.admin,
      createdAtMillis: clock.now(),
    },
  ]);
});

test('rejects an account that does not have 12 digits', async () => {
  const created = accessKeys().create({ account: '12', grant: { kind: 'admin' } });
  await expect(created).rejects.toMatchObject({ name: 'ValidationException' });
});

test('a deleted key is not found, and by another server not after a minute', async () => {
  const here = accessKeys();
  const there = accessKeys();
  const { accessKeyId } = await here.create({ account, grant: { kind: 'agent' } });
  await here.find(accessKeyId);
  await there.find(accessKeyId);
  expect(await here.delete('210987654321', accessKeyId)).toBe(false);
  expect(await here.delete(account, accessKeyId)).toBe(true);
  expect(await here.find(accessKeyId)).toBeUndefined();
  clock.advance(60_000);
  expect(await there.find(accessKeyId)).toBeUndefined();
});

test('a disabled key is not found until it is enabled again', async () => {
  const keys = accessKeys();
  const { accessKeyId } = await keys.create({ account, grant: { kind: 'agent' } });
  await keys.find(accessKeyId);
  expect(await keys.update(accessKeyId, { status: 'DISABLED', description: 'lost' })).toBe(true);
  expect(await keys.find(accessKeyId)).toBeUndefined();
  expect(await keys.get(accessKeyId)).toMatchObject({ status: 'DISABLED', description: 'lost' });
  await keys.update(accessKeyId, { status: 'ENABLED' });
  expect(await keys.find(accessKeyId)).toBeDefined();
  expect(await keys.update('AKIANONE', { status: 'ENABLED' })).toBe(false);
});

test('a policy changes at once from a built-in one to a document and back', async () => {
  const keys = accessKeys();
  const policy = parsePolicy({
    Statement: { Effect: 'Allow', Action: 'networkflowmonitor:GetScope', Resource: '*' },
  });
  const grant = { kind: 'custom', policy } as const;
  const { accessKeyId } = await keys.create({ account, grant });
  const found = await keys.find(accessKeyId);
  expect(found?.permissions?.decide('networkflowmonitor:GetScope', 'arn:x')).toBe('allowed');
  expect(found?.permissions?.decide('networkflowmonitor:Publish', undefined)).toBe('denied');
  expect(await keys.get(accessKeyId)).toMatchObject({ kind: 'custom', policy });
  await keys.update(accessKeyId, { grant: { kind: 'read' } });
  expect(await keys.find(accessKeyId)).toMatchObject({ kind: 'read' });
  expect((await keys.find(accessKeyId))?.permissions).toBeUndefined();
});

describe('accounts', () => {
  const accounts = (keys = accessKeys()) =>
    new Accounts({ database, clock, onChange: (changed) => keys.forgetAccount(changed) });

  test('are created once, described with the number of keys, and deleted when they have none', async () => {
    const all = accounts();
    await all.create(account, 'production');
    await expect(all.create(account, '')).rejects.toMatchObject({ name: 'ConflictException' });
    const { accessKeyId } = await accessKeys().create({ account, grant: { kind: 'admin' } });
    expect(await all.list()).toEqual([
      {
        account,
        status: 'ENABLED',
        description: 'production',
        createdAtMillis: clock.now(),
        accessKeys: 1,
      },
    ]);
    await expect(all.delete(account)).rejects.toMatchObject({
      name: 'ConflictException',
      message: `Account ${account} has 1 access keys: delete them first`,
    });
    await accessKeys().delete(account, accessKeyId);
    await all.delete(account);
    await expect(all.get(account)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await expect(all.delete(account)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await expect(all.update(account, {})).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  test('hide their keys while they are disabled', async () => {
    const keys = accessKeys();
    const { accessKeyId } = await keys.create({ account, grant: { kind: 'admin' } });
    await keys.find(accessKeyId);
    await accounts(keys).update(account, { status: 'DISABLED' });
    expect(await keys.find(accessKeyId)).toBeUndefined();
    await accounts(keys).update(account, { status: 'ENABLED', description: 'back' });
    expect(await keys.find(accessKeyId)).toBeDefined();
    expect(await accounts().get(account)).toMatchObject({ description: 'back' });
  });

  test.each(['', '12', '12345678901x'])('cannot be %j', async (text) => {
    await expect(accounts().create(text, '')).rejects.toMatchObject({
      name: 'ValidationException',
    });
  });
});

test('a key that another server creates after a failed lookup is found five seconds later', async () => {
  const here = accessKeys();
  const there = accessKeys(masterKey, (length) => Buffer.alloc(length, 7));
  const { accessKeyId } = await there.create({ account, grant: { kind: 'agent' } });
  await there.delete(account, accessKeyId);
  expect(await here.find(accessKeyId)).toBeUndefined();
  await there.create({ account, grant: { kind: 'agent' } });
  expect(await there.find(accessKeyId)).toBeDefined();
  clock.advance(4_999);
  expect(await here.find(accessKeyId)).toBeUndefined();
  clock.advance(1);
  expect(await here.find(accessKeyId)).toBeDefined();
});

test('a key in use is still found while the database is down', async () => {
  const keys = accessKeys();
  const key = await keys.create({ account, grant: { kind: 'agent' } });
  await keys.find(key.accessKeyId);
  await database.destroy();
  clock.advance(3_600_000);
  expect(await keys.find(key.accessKeyId)).toEqual(key);
  await expect(keys.find('AKIAUNKNOWN')).rejects.toMatchObject({
    name: 'ServiceUnavailableException',
  });
  database = await openDatabase({ url: 'sqlite::memory:' });
});

describe('the first start', () => {
  test('creates an admin key and an agent key, once', async () => {
    const made: FirstKeys[] = [];
    const input = { account, deliver: async (keys: FirstKeys) => void made.push(keys) };
    const first = await accessKeys().ensureFirstKeys(input);
    expect(first?.admin).toMatchObject({ account, kind: 'admin' });
    expect(first?.agent).toMatchObject({ account, kind: 'agent' });
    expect(await accessKeys().ensureFirstKeys(input)).toBeUndefined();
    expect(made).toEqual([first]);
    expect(await accessKeys().list(account)).toHaveLength(2);
  });

  test('creates keys on only one of two servers', async () => {
    const both = await Promise.all(
      [accessKeys(), accessKeys()].map((keys) => keys.ensureFirstKeys({ account, deliver })),
    );
    expect(both.filter((keys) => keys !== undefined)).toHaveLength(1);
  });

  test('stores no key if delivery fails, and succeeds the next time', async () => {
    const failing = accessKeys().ensureFirstKeys({
      account,
      deliver: async () => {
        throw new Error('disk full');
      },
    });
    await expect(failing).rejects.toThrow('disk full');
    expect(await accessKeys().list(account)).toEqual([]);
    expect(await accessKeys().ensureFirstKeys({ account, deliver })).toBeDefined();
  });

  test('is rejected with another master key than before', async () => {
    await accessKeys().ensureFirstKeys({ account, deliver });
    const other = accessKeys(randomBytes(32)).ensureFirstKeys({ account, deliver });
    await expect(other).rejects.toThrow('is it the right master key?');
  });

  test('writes a shared credentials file that only its owner can read', async () => {
    const path = join(folder, 'credentials');
    for (let round = 0; round < 2; round += 1) {
      const keys: FirstKeys = {
        admin: { accessKeyId: 'A', secretAccessKey: `s${round}`, account, kind: 'admin' },
        agent: { accessKeyId: 'B', secretAccessKey: 't', account, kind: 'agent' },
      };
      await writeCredentialsFile(path, keys);
      expect(readFileSync(path, 'utf8')).toBe(
        `[default]\naws_access_key_id = A\naws_secret_access_key = s${round}\n\n[agent]\naws_access_key_id = B\naws_secret_access_key = t\n`,
      );
      expect(statSync(path).mode & 0o777).toBe(0o600);
    }
  });
});

describe('secrets at rest', () => {
  test('the database file contains no secret in clear text', async () => {
    const { accessKeyId, secretAccessKey } = await accessKeys().create({
      account,
      grant: { kind: 'admin' },
    });
    await database.destroy();
    const bytes = ['control.db', 'control.db-wal']
      .map((name) => join(folder, name))
      .flatMap((path) => (statSync(path, { throwIfNoEntry: false }) ? [readFileSync(path)] : []));
    const text = Buffer.concat(bytes).toString('latin1');
    expect(text).toContain(accessKeyId);
    expect(text).not.toContain(secretAccessKey);
    database = await openDatabase({ url: 'sqlite::memory:' });
  });

  const box = (key = masterKey) => new SecretBox({ key, random: randomBytes });

  test('a sealed secret opens only under its name, and differs each time it is sealed', () => {
    const sealed = box().seal('AKIA1', 'secret');
    expect(box().open('AKIA1', sealed)).toBe('secret');
    expect(box().seal('AKIA1', 'secret')).not.toBe(sealed);
    expect(() => box().open('AKIA2', sealed)).toThrow('cannot decrypt the secret of AKIA2');
    expect(() => box(randomBytes(32)).open('AKIA1', sealed)).toThrow('right master key');
    expect(() => box().open('AKIA1', 'AAAA')).toThrow('cannot decrypt');
  });

  test('a changed byte is detected', () => {
    const bytes = Buffer.from(box().seal('AKIA1', 'secret'), 'base64');
    for (let i = 0; i < bytes.length; i += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(i) ^ 1, i);
      expect(() => box().open('AKIA1', changed.toString('base64'))).toThrow('cannot decrypt');
    }
  });

  test('the master key is created once with mode 0600 and read back', async () => {
    const path = join(folder, 'master.key');
    const key = await loadMasterKey({ path, random: randomBytes });
    expect(key).toHaveLength(32);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await loadMasterKey({ path, random: randomBytes })).toEqual(key);
  });

  test.each(['', 'abc', 'g'.repeat(64), 'a'.repeat(63)])('%j is not a master key', (text) => {
    expect(() => parseMasterKey(text)).toThrow('64 hexadecimal digits');
  });
});
