import { Agent, request as send } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ServerProcess } from '../../../src/lab/server-process.ts';
import { type Credentials, signRequest } from '../../../src/wire/sigv4/sign.ts';
import { brokenMembers, membersOf, OPERATIONS, shapeOf } from './model-oracle.ts';

/** For each of the 25 operations, so 20,000 requests in all. */
const REQUESTS_AN_OPERATION = 800;
const CONNECTIONS = 8;
const ACCOUNT = '000000000000';
const REGION = 'us-east-1';
const CONSTRAINT = /^\d+ validation errors? detected: /;

type Input = Readonly<Record<string, unknown>>;

let server: ServerProcess;
let credentials: Credentials;
/** Values of existing resources, by member: without them no request would succeed. */
let known: Readonly<Record<string, readonly string[]>>;
const totals = { succeeded: 0, refused: 0, broken: 0 };
const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });

beforeAll(async () => {
  server = await ServerProcess.start({ flags: ['--queries-per-account', '5'] });
  credentials = await server.credentials('default');
  known = await makeResources();
});
afterAll(async () => {
  const { succeeded, refused, broken } = totals;
  console.log(
    `${succeeded + refused + broken} requests: ${succeeded} succeeded, ${broken} violated the model and were rejected for it, ${refused} were rejected for another reason`,
  );
  agent.destroy();
  await server?.dispose();
});

async function makeResources(): Promise<Readonly<Record<string, readonly string[]>>> {
  const targets = [
    {
      targetIdentifier: { targetId: { accountId: ACCOUNT }, targetType: 'ACCOUNT' },
      region: REGION,
    },
  ];
  const scope = await call('CreateScope', { targets });
  const { scopeId, scopeArn } = JSON.parse(scope.body) as { scopeId: string; scopeArn: string };
  const localResources = [{ type: 'AWS::AvailabilityZone', identifier: 'use1-az1' }];
  const monitor = await call('CreateMonitor', { monitorName: 'web', localResources, scopeArn });
  const { monitorArn } = JSON.parse(monitor.body) as { monitorArn: string };
  const question = {
    startTime: '2026-01-01T00:00:00Z',
    endTime: '2026-01-01T01:00:00Z',
    metricName: 'TIMEOUTS',
    destinationCategory: 'INTER_AZ',
  };
  const of = { scopeId, monitorName: 'web' };
  const kinds = Object.keys(OPERATIONS).filter((name) => name.startsWith('StartQuery'));
  const queries = await Promise.all(kinds.map((kind) => call(kind, { ...question, ...of })));
  const queryId = queries.map(({ body }) => (JSON.parse(body) as { queryId: string }).queryId);
  return {
    queryId,
    scopeId: [scopeId],
    scopeArn: [scopeArn],
    monitorName: ['web'],
    resourceArn: [scopeArn, monitorArn],
    accountId: [ACCOUNT],
    region: [REGION],
    identifier: ['use1-az1', 'vpc-0123456789abcdef0', 'S3', REGION],
  };
}

/** Sorts deleting operations last, so that the others find existing resources. */
const deletes = (operation: string) => Number(operation.startsWith('Delete'));
const operations = Object.keys(OPERATIONS).toSorted((a, b) => deletes(a) - deletes(b));

test.each(operations)(
  '%s: an input satisfies the model, or a ValidationException names a member that does not',
  async (operation) => {
    const seed = Date.now() % 2 ** 31;
    const inputs = fc.sample(inputOf(operation), { numRuns: REQUESTS_AN_OPERATION, seed });
    const counts = { succeeded: 0, refused: 0, broken: 0 };
    const worker = async () => {
      for (let input = inputs.pop(); input !== undefined; input = inputs.pop()) {
        const answer = await call(operation, input);
        const where = `seed ${seed}: ${operation} ${JSON.stringify(input)}: ${answer.status} ${answer.body}`;
        const broken = brokenMembers(operation, input);
        if (broken.length > 0) {
          expect(answer.error, where).toBe('ValidationException');
          expect(
            broken.some((member) => answer.body.includes(`'${member}`)),
            where,
          ).toBe(true);
          counts.broken += 1;
        } else if (answer.status === 200) counts.succeeded += 1;
        else {
          const declared = OPERATIONS[operation]?.errors.map(({ shape }) => shape);
          expect(declared, where).toContain(answer.error);
          expect(answer.status, where).toBeLessThan(500);
          expect(answer.message, where).not.toMatch(CONSTRAINT);
          counts.refused += 1;
        }
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, worker));
    for (const kind of ['succeeded', 'refused', 'broken'] as const) totals[kind] += counts[kind];
    expect(counts.broken, JSON.stringify(counts)).toBeGreaterThan(0);
    expect(counts.succeeded + counts.refused, JSON.stringify(counts)).toBeGreaterThan(0);
  },
);

/** A valid input, or one with one or two changed members. */
function inputOf(operation: string): fc.Arbitrary<Input> {
  const valid = structureOf(OPERATIONS[operation]?.input.shape ?? '');
  return fc
    .oneof(
      valid,
      valid.chain((input) => changed(input)),
      valid.chain((input) => changed(input).chain(changed)),
    )
    .map((input) => sendable(operation, input));
}

/**
 * Converts an input to a form that HTTP can carry: members in path and query become text, and an
 * empty list becomes absent.
 */
function sendable(operation: string, input: Input): Input {
  const entries = Object.entries(membersOf(operation)).map(([name, { location, shape }]) => {
    const value = input[name] ?? undefined;
    const isText = location !== undefined && value !== undefined;
    return [name, isText ? textual(shapeOf(shape).type, value) : value] as const;
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function textual(type: string, value: unknown): unknown {
  if (type === 'list') {
    const texts = (Array.isArray(value) ? value : [value]).map(asText);
    return texts.length === 0 ? undefined : texts;
  }
  const text = asText(value);
  return type === 'integer' && /^-?\d{1,15}$/.test(text) ? Number(text) : text;
}

function asText(value: unknown): string {
  const plain = typeof value === 'string' ? value : JSON.stringify(value);
  return plain.replaceAll(/\p{Surrogate}/gu, '');
}

function structureOf(shape: string): fc.Arbitrary<Input> {
  const { members = {}, required = [], union } = shapeOf(shape);
  const values = Object.entries(members).map(
    ([name, member]) => [name, arbitraryOf(member.shape, name)] as const,
  );
  return fc.record(Object.fromEntries(values), {
    requiredKeys: union === true ? Object.keys(members) : [...required],
  });
}

function arbitraryOf(name: string, member: string): fc.Arbitrary<unknown> {
  const shape = shapeOf(name);
  switch (shape.type) {
    case 'string':
      return stringOf(name, member);
    case 'integer':
      return fc.integer({ min: shape.min ?? 0, max: shape.max ?? 1000 });
    case 'timestamp':
      return fc
        .integer({ min: 1_700_000_000, max: 1_800_000_000 })
        .map((seconds) => new Date(seconds * 1000).toISOString());
    case 'list':
      return fc.array(arbitraryOf(shape.member?.shape ?? '', member), {
        minLength: shape.min ?? 0,
        maxLength: 3,
      });
    case 'map':
      return fc.dictionary(
        arbitraryOf(shape.key?.shape ?? '', '') as fc.Arbitrary<string>,
        arbitraryOf(shape.value?.shape ?? '', ''),
        { maxKeys: 3, noNullPrototype: true },
      );
    default:
      return structureOf(name);
  }
}

function stringOf(name: string, member: string): fc.Arbitrary<string> {
  const { min = 0, max = 20, pattern, enum: values } = shapeOf(name);
  if (values !== undefined) return fc.constantFrom(...values);
  const any =
    pattern === undefined
      ? fc.string({ minLength: Math.max(1, min), maxLength: Math.min(max, 20) })
      : fc
          .stringMatching(new RegExp(`^(?:${pattern})$`))
          .map((made) => made.padEnd(min, '0').slice(0, max));
  const there = known[member];
  return there === undefined
    ? any
    : fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...there) }, any);
}

/** Odd values to test the bounds of the model. */
const ODD: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  26,
  501,
  2 ** 31,
  1e300,
  '',
  ' ',
  '0',
  '12345678901',
  '1234567890123',
  'x'.repeat(65),
  'x'.repeat(257),
  'x'.repeat(2049),
  'arn:',
  'a\0b',
  '😀',
  '2025-11-01',
  '9999999999999',
  [],
  {},
  [null],
  ['x'],
  { x: 'y' },
  { accountId: '123456789012', other: 1 },
];

/** The input with a member, at any depth, removed or replaced by an odd value. */
function changed(value: Input): fc.Arbitrary<Input> {
  const names = Object.keys(value);
  if (names.length === 0) return fc.constant(value);
  return fc.constantFrom(...names).chain((name) => {
    const rest = Object.fromEntries(Object.entries(value).filter(([other]) => other !== name));
    const odd = fc.constantFrom(...ODD).map((instead) => ({ ...value, [name]: instead }));
    const inside = within(value[name]).map((instead) => ({ ...value, [name]: instead }));
    return fc.oneof(odd, fc.constant(rest), inside);
  });
}

function within(value: unknown): fc.Arbitrary<unknown> {
  if (Array.isArray(value) && value.length > 0) {
    const [first, ...rest] = value;
    // A query is part of the request line, whose length is limited.
    const item = typeof first === 'string' ? first.slice(0, 20) : first;
    const long = fc.constant(Array.from({ length: 201 }, () => item));
    return fc.oneof(
      within(first).map((item) => [item, ...rest]),
      long,
    );
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return changed(value as Input);
  return fc.constantFrom(...ODD);
}

interface Answer {
  readonly status: number;
  /** `x-amzn-ErrorType`; "" if absent. */
  readonly error: string;
  readonly message: string;
  readonly body: string;
}

/** Builds a request from the model alone, signs it and sends it. */
async function call(operation: string, input: Input): Promise<Answer> {
  const { method, requestUri } = OPERATIONS[operation]?.http ?? { method: '', requestUri: '' };
  const members = Object.entries(membersOf(operation));
  const path = requestUri.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(input[name] ?? '')),
  );
  const query = members.flatMap(([name, { location }]) => {
    const value = location === 'querystring' ? input[name] : undefined;
    const values = value === undefined ? [] : Array.isArray(value) ? value : [value];
    return values.map((item) => `${name}=${encodeURIComponent(String(item))}`);
  });
  const inBody = members.filter(
    ([name, { location }]) => location === undefined && input[name] !== undefined,
  );
  const body =
    inBody.length === 0
      ? ''
      : JSON.stringify(Object.fromEntries(inBody.map(([name]) => [name, input[name]])));
  return await exchange(method, query.length === 0 ? path : `${path}?${query.join('&')}`, body);
}

async function exchange(method: string, target: string, content: string): Promise<Answer> {
  const { host, hostname, port } = new URL(server.endpoint);
  const body = Buffer.from(content);
  const headers = signRequest({
    method,
    target,
    headers: { host, 'content-type': 'application/json' },
    body,
    credentials,
    region: REGION,
    service: 'networkflowmonitor',
    now: new Date(),
  });
  return await new Promise((resolve, reject) => {
    const outgoing = send(
      { hostname, port, method, path: target, headers, agent },
      async (incoming) => {
        const answered = await readText(incoming);
        const error = String(incoming.headers['x-amzn-errortype'] ?? '');
        const { message = '' } =
          answered === '' ? {} : (JSON.parse(answered) as { message?: string });
        resolve({ status: incoming.statusCode ?? 0, error, message, body: answered });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
