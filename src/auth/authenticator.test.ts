import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, test } from 'vitest';
import { ApiError } from '../model/api-error.ts';
import { groupHeaders, type RequestHead } from '../model/http.ts';
import { sha256Hex } from '../wire/sigv4/sha256-hex.ts';
import { type SignInput, signRequest } from '../wire/sigv4/sign.ts';
import type { Authenticator } from './authenticator.ts';
import { accessKey, authenticatorOf, SERVICE, signedHead } from './testing.ts';

const key = accessKey();
const body = Buffer.from('{"targets":[]}');
const bodyHash = sha256Hex(body);

let authenticator: Authenticator;
let now: Date;
beforeEach(() => {
  const made = authenticatorOf([key]);
  authenticator = made.authenticator;
  now = new Date(made.clock.now());
});

const sign = (change: Partial<SignInput> = {}): RequestHead =>
  signedHead({ method: 'POST', target: '/scopes', body, credentials: key, now, ...change });

async function decide(head: RequestHead, hash = bodyHash) {
  return authenticator.verify(await authenticator.prepare(head), head, hash);
}

function withHeader(head: RequestHead, name: string, value: string | undefined): RequestHead {
  const headers = new Map(head.headers);
  if (value === undefined) headers.delete(name);
  else headers.set(name, [value]);
  return { ...head, headers };
}

function withAuthorization(head: RequestHead, change: (value: string) => string): RequestHead {
  return withHeader(head, 'authorization', change(head.headers.get('authorization')?.[0] ?? ''));
}

test('the principal of a signed request is the account of its key and the Region of its credential scope', async () => {
  expect(await decide(sign({ region: 'eu-west-1' }))).toEqual({
    account: '123456789012',
    region: 'eu-west-1',
    accessKeyId: key.accessKeyId,
    kind: 'admin',
  });
});

test('a prepared request contains the claimed principal, the signature and the time of signing', async () => {
  const head = sign();
  const prepared = await authenticator.prepare(head);
  expect(prepared.principal.accessKeyId).toBe(key.accessKeyId);
  expect(head.headers.get('authorization')?.[0]).toContain(`Signature=${prepared.signature}`);
  expect(prepared.amzDateMillis).toBe(now.getTime());
});

test('accepts any Region name', async () => {
  expect((await decide(sign({ region: 'berlin_2.lab-1' }))).region).toBe('berlin_2.lab-1');
});

test('verifies the host header as received, here without the port', async () => {
  const head = sign({ headers: { host: 'nfm.example.com' } });
  expect((await decide(head)).account).toBe('123456789012');
});

test('accepts a Date header instead of X-Amz-Date', async () => {
  const amzDate = '20261123T120000Z';
  const signed = sign();
  const dated = withHeader(withHeader(signed, 'x-amz-date', undefined), 'date', now.toUTCString());
  const prepared = await authenticator.prepare(
    withAuthorization(dated, (value) => value.replace('host;x-amz-date', 'host;date')),
  );
  expect(prepared.amzDate).toBe(amzDate);
});

test('a second request of the same day reuses the derived signing key', async () => {
  const first = await authenticator.prepare(sign());
  authenticator.verify(first, sign(), bodyHash);
  expect((await authenticator.prepare(sign({ target: '/monitors' }))).signingKey).toBe(
    first.signingKey,
  );
});

describe('the body', () => {
  test('must be the signed one', async () => {
    await expect(decide(sign(), sha256Hex(Buffer.from('other')))).rejects.toMatchObject({
      name: 'InvalidSignatureException',
    });
  });

  test('must match the hash header if that is sent', async () => {
    const headers = { host: 'h', 'x-amz-content-sha256': bodyHash };
    expect((await decide(sign({ headers }))).kind).toBe('admin');
    await expect(decide(sign({ headers }), sha256Hex(Buffer.from('other')))).rejects.toThrow(
      "The value of 'x-amz-content-sha256' is not the SHA-256 of the body received.",
    );
  });

  test.each(['UNSIGNED-PAYLOAD', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD', ''])(
    'a hash %j is refused before the body is read',
    async (hash) => {
      const head = sign({ headers: { host: 'h', 'x-amz-content-sha256': hash } });
      await expect(authenticator.prepare(head)).rejects.toMatchObject({
        name: 'InvalidSignatureException',
        message: expect.stringContaining('unsigned and streaming payloads are not accepted'),
      });
    },
  );
});

interface Refusal {
  readonly name: string;
  readonly head: () => RequestHead;
  readonly error: string;
  readonly message?: string;
}

const MINUTE = 60_000;
const refusals: Refusal[] = [
  {
    name: 'no Authorization',
    head: () => withHeader(sign(), 'authorization', undefined),
    error: 'MissingAuthenticationTokenException',
    message: 'Missing Authentication Token',
  },
  {
    name: 'an empty Authorization',
    head: () => withAuthorization(sign(), () => ''),
    error: 'MissingAuthenticationTokenException',
  },
  {
    name: 'another scheme',
    head: () => withAuthorization(sign(), () => 'Bearer abc'),
    error: 'IncompleteSignatureException',
  },
  ...['Credential', 'SignedHeaders', 'Signature'].map((part) => ({
    name: `no ${part}`,
    head: () =>
      withAuthorization(sign(), (value) => value.replace(new RegExp(`,? ${part}=[^,]*,?`), ' ')),
    error: 'IncompleteSignatureException',
  })),
  {
    name: 'a repeated part',
    head: () => withAuthorization(sign(), (value) => `${value}, Signature=${'0'.repeat(64)}`),
    error: 'IncompleteSignatureException',
  },
  {
    name: 'two Authorization headers',
    head: () => {
      const head = sign();
      const [value = ''] = head.headers.get('authorization') ?? [];
      return { ...head, headers: new Map(head.headers).set('authorization', [value, value]) };
    },
    error: 'IncompleteSignatureException',
  },
  {
    name: 'a malformed signature',
    head: () => withAuthorization(sign(), (value) => value.slice(0, -1)),
    error: 'IncompleteSignatureException',
  },
  {
    name: 'a credential of four parts',
    head: () => withAuthorization(sign(), (value) => value.replace('/us-east-1', '')),
    error: 'IncompleteSignatureException',
  },
  {
    name: 'a Region that is invalid in an ARN',
    head: () => withAuthorization(sign(), (value) => value.replace('us-east-1', 'us:east')),
    error: 'IncompleteSignatureException',
  },
  {
    name: 'another terminator',
    head: () => withAuthorization(sign(), (value) => value.replace('aws4_request', 'aws4')),
    error: 'InvalidSignatureException',
  },
  {
    name: 'another service',
    head: () => sign({ service: 's3' }),
    error: 'InvalidSignatureException',
    message: `Credential should be scoped to correct service: '${SERVICE}'.`,
  },
  {
    name: 'a scope of another day than the date',
    head: () => withAuthorization(sign(), (value) => value.replace('/20261123/', '/20261122/')),
    error: 'InvalidSignatureException',
  },
  {
    name: 'no date',
    head: () => withHeader(sign(), 'x-amz-date', undefined),
    error: 'IncompleteSignatureException',
  },
  {
    name: 'a date in another form',
    head: () => withHeader(sign(), 'x-amz-date', '2026-11-23T12:00:00Z'),
    error: 'IncompleteSignatureException',
  },
  {
    name: 'a clock more than 15 minutes behind',
    head: () => sign({ now: new Date(now.getTime() - 15 * MINUTE - 1_000) }),
    error: 'InvalidSignatureException',
    message:
      'Signature expired: 20261123T114459Z is now earlier than 20261123T114500Z (20261123T120000Z - 15 min.)',
  },
  {
    name: 'a clock more than 15 minutes ahead',
    head: () => sign({ now: new Date(now.getTime() + 15 * MINUTE + 1_000) }),
    error: 'InvalidSignatureException',
    message:
      'Signature not yet current: 20261123T121501Z is still later than 20261123T121500Z (20261123T120000Z + 15 min.)',
  },
  {
    name: 'host not signed',
    head: () => withAuthorization(sign(), (value) => value.replace('host;', '')),
    error: 'InvalidSignatureException',
    message: "'Host' must be a 'SignedHeader' in the AWS Authorization header.",
  },
  {
    name: 'a signed header that was not sent',
    head: () => withHeader(sign({ headers: { host: 'h', a: 'b' } }), 'a', undefined),
    error: 'InvalidSignatureException',
  },
  {
    name: 'an unknown key',
    head: () => sign({ credentials: accessKey() }),
    error: 'UnrecognizedClientException',
    message: 'The security token included in the request is invalid.',
  },
  {
    name: 'a session token',
    head: () => sign({ credentials: { ...key, sessionToken: 'token' } }),
    error: 'UnrecognizedClientException',
  },
  {
    name: 'another secret',
    head: () => sign({ credentials: { ...key, secretAccessKey: 'x'.repeat(40) } }),
    error: 'InvalidSignatureException',
  },
  {
    name: 'a Region that was not signed',
    head: () => withAuthorization(sign(), (value) => value.replace('us-east-1', 'us-east-2')),
    error: 'InvalidSignatureException',
  },
  {
    name: 'another method',
    head: () => ({ ...sign(), method: 'PUT' }),
    error: 'InvalidSignatureException',
  },
  {
    name: 'another target',
    head: () => ({ ...sign(), target: '/scopes?x' }),
    error: 'InvalidSignatureException',
  },
  {
    name: 'another host',
    head: () => withHeader(sign(), 'host', 'elsewhere'),
    error: 'InvalidSignatureException',
  },
];

test.each(refusals)('rejects with status 403: $name', async ({ head, error, message }) => {
  const refusal = await decide(head()).catch((reason: unknown) => reason);
  expect(refusal).toBeInstanceOf(ApiError);
  expect(refusal).toMatchObject({ name: error, status: 403 });
  if (message !== undefined) expect(refusal).toMatchObject({ message });
});

test('accepts a clock skew of 15 minutes in either direction', async () => {
  for (const off of [-15 * MINUTE, 15 * MINUTE]) {
    await decide(sign({ now: new Date(now.getTime() + off) }));
  }
});

test('accepts Authorization without spaces after its commas', async () => {
  await decide(withAuthorization(sign(), (value) => value.replaceAll(', ', ',')));
});

test('verifies a request sent over HTTP with an unusual target and headers', async () => {
  const outcomes: unknown[] = [];
  const server = createServer(async (incoming, response) => {
    const received = await text(incoming);
    const head: RequestHead = {
      method: incoming.method ?? '',
      target: incoming.url ?? '',
      headers: groupHeaders(incoming.rawHeaders),
      remoteAddress: '',
    };
    outcomes.push(await decide(head, sha256Hex(Buffer.from(received))).catch((error) => error));
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  for (const target of ['/a/../b//c/./%2e?z=1&a=%20b+c&a', '/tags/arn%3Aaws%3A%c3%BC?x=%']) {
    const headers = signRequest({
      method: 'POST',
      target,
      headers: { host: 'without-port', 'x-odd': '  two   words ', 'content-type': 'text/plain' },
      body,
      credentials: key,
      region: 'us-east-1',
      service: SERVICE,
      now,
    });
    const outgoing = httpRequest({
      port,
      host: '127.0.0.1',
      method: 'POST',
      path: target,
      headers,
      agent: false,
    });
    outgoing.end(body);
    const [answer] = await once(outgoing, 'response');
    answer.resume();
    await once(answer, 'end');
  }
  server.close();
  expect(outcomes).toEqual([
    expect.objectContaining({ account: '123456789012' }),
    expect.objectContaining({ account: '123456789012' }),
  ]);
});

describe('a proxy', () => {
  const HOST = 'nfm.example.net';
  const throughProxy = (headers: Readonly<Record<string, string>>) => {
    const head = sign({ headers: { host: HOST } });
    const changed = Object.entries(headers).reduce(
      (result, [name, value]) => withHeader(result, name, value),
      head,
    );
    return decide(changed);
  };

  test.each([
    { 'x-forwarded-host': HOST },
    { forwarded: `for=192.0.2.1;host="${HOST}";proto=https` },
  ])('that rewrote Host and left %j is named in the error', async (header) => {
    await expect(throughProxy({ host: '127.0.0.1:8130', ...header })).rejects.toThrow(
      `signed for the Host '${HOST}', but a proxy rewrote it to '127.0.0.1:8130'`,
    );
  });

  test('that rewrote Host and left nothing: the error names the Host received', async () => {
    await expect(throughProxy({ host: '127.0.0.1:8130' })).rejects.toThrow(
      "arrived with the Host '127.0.0.1:8130'",
    );
  });
});

test.each(['authorization', 'host', 'x-amz-date', 'x-amz-content-sha256'])(
  'a second %s header is rejected',
  async (name) => {
    const head = sign({ headers: { host: 'h', 'x-amz-content-sha256': bodyHash } });
    const [value = ''] = head.headers.get(name) ?? [];
    const headers = new Map([...head.headers, [name, [value, value]]]);
    await expect(decide({ ...head, headers })).rejects.toMatchObject({
      name: 'IncompleteSignatureException',
    });
  },
);

test('a head with the hash of the body is verified before the body is read', async () => {
  const headers = { host: 'h', 'x-amz-content-sha256': bodyHash };
  expect((await authenticator.prepare(sign({ headers }))).isVerified).toBe(true);
  const credentials = { ...key, secretAccessKey: 'a guess' };
  await expect(authenticator.prepare(sign({ headers, credentials }))).rejects.toMatchObject({
    name: 'InvalidSignatureException',
  });
  expect((await authenticator.prepare(sign({ credentials }))).isVerified).toBe(false);
});
