import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { globalAgent } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type CredentialProvider, credentialProvider, profileKeys } from './credentials.ts';

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
  { name: 'a role, which is left to the SDK', profile: 'role', keys: undefined },
  { name: 'half a key', profile: 'half', keys: undefined },
  { name: 'a missing profile', profile: 'none', keys: undefined },
])('reads $name', ({ profile, keys }) => {
  expect(profileKeys(FILE, profile)).toEqual(keys);
});

test('keys in the environment override the file, AWS_PROFILE overrides both', async () => {
  const keys = { AWS_ACCESS_KEY_ID: 'AKENV', AWS_SECRET_ACCESS_KEY: 's' };
  const file = { AWS_SHARED_CREDENTIALS_FILE: path };
  const of = (env: Record<string, string>) =>
    credentialProvider({ env, homeFolder: folder, connections: globalAgent })();
  expect((await of({ ...keys, ...file })).accessKeyId).toBe('AKENV');
  expect((await of({ ...keys, ...file, AWS_PROFILE: 'agent' })).accessKeyId).toBe('AKAGENT');
  expect((await of(file)).accessKeyId).toBe('AKDEFAULT');
});

test('a changed file takes effect at the next report', async () => {
  const env = { AWS_SHARED_CREDENTIALS_FILE: path };
  const provide = credentialProvider({ env, homeFolder: folder, connections: globalAgent });
  await provide();
  writeFileSync(path, FILE.replace('AKDEFAULT', 'AKNEW'));
  expect((await provide()).accessKeyId).toBe('AKNEW');
});

interface Asked {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A stand-in for a service that issues keys. */
async function serveKeys(answer: (asked: Asked) => string) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const { method, url, headers } = request;
      const one = { method, url, headers, body };
      asked.push(one);
      response.end(answer(one));
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { asked, url, server };
}

/** A time so many minutes from now, in ISO 8601. */
const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();

/** A provider that reads only `env` and the test's folder, nothing of this machine. */
function environment(env: Record<string, string>): CredentialProvider {
  const own = { AWS_CONFIG_FILE: '/none', AWS_SHARED_CREDENTIALS_FILE: '/none', ...env };
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('AWS_')) vi.stubEnv(name, undefined);
  }
  for (const [name, value] of Object.entries(own)) vi.stubEnv(name, value);
  return credentialProvider({ env: own, homeFolder: folder, connections: globalAgent });
}

describe('keys that end', () => {
  let service: Awaited<ReturnType<typeof serveKeys>>;
  afterEach(() => {
    vi.unstubAllEnvs();
    service.server.closeAllConnections();
    service.server.close();
  });

  test.each([
    { name: 'an hour before they expire are kept', minutes: 60, key: 'AK1' },
    { name: 'within five minutes of expiry are fetched again', minutes: 4, key: 'AK2' },
  ])("a container's keys $name", async ({ minutes, key }) => {
    service = await serveKeys(() =>
      JSON.stringify({
        ...{ AccessKeyId: `AK${service.asked.length}`, SecretAccessKey: 's', Token: 't' },
        Expiration: inMinutes(minutes),
      }),
    );
    const provide = environment({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${service.url}/keys` });
    expect(await provide()).toMatchObject({ accessKeyId: 'AK1', sessionToken: 't' });
    expect(await provide()).toMatchObject({ accessKeyId: 'AK1' });
    await vi.waitFor(async () => expect((await provide()).accessKeyId).toBe(key));
  });

  test("an instance's keys come from the metadata service, version 2", async () => {
    service = await serveKeys(({ url, headers }) => {
      if (url === '/latest/api/token') return 'token';
      if (headers['x-aws-ec2-metadata-token'] !== 'token') return '';
      if (url?.endsWith('/role') !== true) return 'role';
      const keys = { AccessKeyId: 'AKROLE', SecretAccessKey: 's', Token: 't' };
      return JSON.stringify({ Code: 'Success', ...keys, Expiration: inMinutes(60) });
    });
    const provide = environment({ AWS_EC2_METADATA_SERVICE_ENDPOINT: service.url });
    expect((await provide()).accessKeyId).toBe('AKROLE');
  });

  test("a pod's web identity is exchanged for keys, with the current token", async () => {
    const end = [inMinutes(4), inMinutes(60)];
    service = await serveKeys(
      () => `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>AKPOD</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
<SessionToken>t</SessionToken><Expiration>${end.shift()}</Expiration></Credentials>
</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
    );
    const token = join(folder, 'token');
    const provide = environment({
      AWS_WEB_IDENTITY_TOKEN_FILE: token,
      AWS_ROLE_ARN: 'arn:aws:iam::000000000000:role/agent',
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL_STS: service.url,
    });
    writeFileSync(token, 'first');
    expect((await provide()).accessKeyId).toBe('AKPOD');
    writeFileSync(token, 'second');
    await provide();
    await vi.waitFor(() => expect(service.asked).toHaveLength(2));
    const sent = service.asked.map(({ body }) => new URLSearchParams(body).get('WebIdentityToken'));
    expect(sent).toEqual(['first', 'second']);
  });
});
