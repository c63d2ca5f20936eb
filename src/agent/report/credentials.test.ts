import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { globalAgent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { credentialProvider, profileKeys } from './credentials.ts';

const FILE = `# made by hand
[default]
aws_access_key_id = AKDEFAULT
aws_secret_access_key=secret=with=equals
[ agent ]
aws_access_key_id=AKAGENT
aws_secret_access_key = s2
aws_session_token = token
[role]
role_arn = arn:aws:iam::1:role/x
aws_access_key_id = A
aws_secret_access_key = B
[half]
aws_access_key_id = A
`;

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nfm-credentials-'));
  path = join(folder, 'credentials');
  writeFileSync(path, FILE);
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test.each([
  {
    name: 'the default profile',
    profile: 'default',
    keys: { accessKeyId: 'AKDEFAULT', secretAccessKey: 'secret=with=equals' },
  },
  {
    name: 'a named profile with a token',
    profile: 'agent',
    keys: { accessKeyId: 'AKAGENT', secretAccessKey: 's2', sessionToken: 'token' },
  },
  { name: 'a role, which is not for us to assume', profile: 'role', keys: undefined },
  { name: 'half a key', profile: 'half', keys: undefined },
  { name: 'a profile that is not there', profile: 'none', keys: undefined },
])('reads $name', ({ profile, keys }) => {
  expect(profileKeys(FILE, profile)).toEqual(keys);
});

test('keys in the environment go before the file, a named profile before both', async () => {
  const keys = { AWS_ACCESS_KEY_ID: 'AKENV', AWS_SECRET_ACCESS_KEY: 's' };
  const file = { AWS_SHARED_CREDENTIALS_FILE: path };
  const of = (env: Record<string, string>) =>
    credentialProvider({ env, homeFolder: folder, way: globalAgent })();
  expect((await of({ ...keys, ...file })).accessKeyId).toBe('AKENV');
  expect((await of({ ...keys, ...file, AWS_PROFILE: 'agent' })).accessKeyId).toBe('AKAGENT');
  expect((await of(file)).accessKeyId).toBe('AKDEFAULT');
});

test('a changed file counts at the next report', async () => {
  const env = { AWS_SHARED_CREDENTIALS_FILE: path };
  const provide = credentialProvider({ env, homeFolder: folder, way: globalAgent });
  await provide();
  writeFileSync(path, FILE.replace('AKDEFAULT', 'AKNEW'));
  expect((await provide()).accessKeyId).toBe('AKNEW');
});
