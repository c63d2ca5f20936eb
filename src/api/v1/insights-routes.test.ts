import { expect, test } from 'vitest';
import { ApiError } from '../../model/api-error.ts';
import type { FlowReader } from '../../query/queries.ts';
import { admin, callExtension, rawRequest } from '../testing.ts';
import { extensionMatcher } from './extension-route.ts';
import { insightsRoutes } from './insights-routes.ts';

const BASE = '/api/v1/scopes/scope-1/insights';
const NOW = Date.UTC(2026, 0, 1, 10);
const ROW = {
  account: '123456789012',
  local_subnet: 'subnet-1',
  local_az: '',
  local_vpc: '',
  region: 'us-east-1',
  remote_identifier: '',
  category: 'INTERNET',
  value: '18446744073709551615',
};
const BIN = { label: 'use1-az1', bin: NOW / 1000, value: '7' };

type AskerOptions = Parameters<FlowReader['query']>[1];
type Statement = Parameters<FlowReader['query']>[0];

interface Setting {
  readonly answer?: (signal: AbortSignal) => Promise<unknown[]>;
  readonly limit?: AbortSignal;
}

/** The route over a store that answers with a row, then a bin; `asked` holds each statement's parameters. */
function setUp({ answer, limit = new AbortController().signal }: Setting = {}) {
  const asked: unknown[][] = [];
  const store: FlowReader = {
    async query<Row>({ fragment }: Statement, { signal }: AskerOptions) {
      asked.push(fragment.flatMap((part) => (typeof part === 'string' ? [] : [part.value])));
      const rows =
        answer === undefined ? [asked.length === 1 ? ROW : BIN] : answer(signal ?? limit);
      return (await rows) as Row[];
    },
  };
  const deps = {
    store,
    scopes: {
      get: async () => ({
        scopeId: 'scope-1',
        scopeArn: 'arn',
        status: 'SUCCEEDED' as const,
        targets: [admin],
        tags: {},
      }),
    },
    now: () => NOW,
    timeLimit: () => limit,
  };
  const routes = insightsRoutes(deps);
  const get = (target: string) => callExtension(routes, rawRequest('GET', target));
  return { asked, get, routes };
}

test('an answer has unit, rows with their category, and series with ISO times', async () => {
  const { get } = setUp();
  const { status, text } = await get(`${BASE}?metric=DATA_TRANSFERRED`);
  expect(status).toBe(200);
  expect(text).toContain('"value":18446744073709551615');
  expect(JSON.parse(text)).toMatchObject({
    unit: 'Bytes',
    rows: [{ accountId: '123456789012', destinationCategory: 'INTERNET', remoteIdentifier: '' }],
    series: [{ label: 'use1-az1', timestamps: ['2026-01-01T10:00:00.000Z'], values: [7] }],
  });
});

test('range, category, loopback and limit become parameters of the statement', async () => {
  const { get, asked } = setUp();
  const range = 'start=2026-01-01T08:00:00Z&end=2026-01-01T09:00:00Z';
  await get(`${BASE}?metric=TIMEOUTS&${range}&category=INTER_AZ&limit=5&loopback=false`);
  const end = Date.UTC(2026, 0, 1, 9) / 1000;
  const owner = ['123456789012', 'us-east-1'];
  expect(asked[0]).toEqual([end - 3600, end, 'INTER_AZ', 'loopback', ...owner, 5]);
});

test('with only a metric: the last hour, every category, loopback included, 100 rows', async () => {
  const { get, asked } = setUp();
  await get(`${BASE}?metric=TIMEOUTS`);
  const end = NOW / 1000 + 60;
  expect(asked[0]).toEqual([end - 3600, end, '123456789012', 'us-east-1', 100]);
});

const REFUSED = [
  { name: 'no metric', query: '', message: 'metric is required' },
  {
    name: 'a metric of monitors',
    query: 'metric=ROUND_TRIP_TIME',
    message: 'metric must be TIMEOUTS',
  },
  { name: 'a limit of 0', query: 'metric=TIMEOUTS&limit=0', message: 'limit must be an integer' },
  { name: 'too many rows', query: 'metric=TIMEOUTS&limit=501', message: 'from 1 to 500' },
  {
    name: 'an unknown category',
    query: 'metric=TIMEOUTS&category=MOON',
    message: 'category must be',
  },
  {
    name: 'loopback perhaps',
    query: 'metric=TIMEOUTS&loopback=perhaps',
    message: 'loopback must be true or false',
  },
  {
    name: 'an unknown name',
    query: 'metric=TIMEOUTS&shoe=1',
    message: 'unknown parameter shoe; expected start',
  },
  {
    name: 'a name twice',
    query: 'metric=TIMEOUTS&metric=TIMEOUTS',
    message: 'metric must be given only once',
  },
  { name: 'a malformed time', query: 'metric=TIMEOUTS&start=now', message: 'start must be an ISO' },
  {
    name: 'an end before the start',
    query: 'metric=TIMEOUTS&start=2026-01-01T10:00:00Z&end=2026-01-01T09:00:00Z',
    message: 'start must be before end',
  },
];

test.each(REFUSED)(
  'rejected without a statement to the store: $name',
  async ({ query, message }) => {
    const { get, asked } = setUp();
    const refusal = get(`${BASE}?${query}`);
    await expect(refusal).rejects.toThrow(message);
    await expect(refusal).rejects.toHaveProperty('name', 'ValidationException');
    expect(asked).toEqual([]);
  },
);

test('a query that takes too long is rejected with advice', async () => {
  const { get } = setUp({
    limit: AbortSignal.abort(new Error('30 s')),
    answer: async (signal) => {
      signal.throwIfAborted();
      return [];
    },
  });
  await expect(get(`${BASE}?metric=TIMEOUTS`)).rejects.toThrow('ask for a shorter time range');
});

test('an error of the store is not reported as a fault of the caller', async () => {
  const { get } = setUp({ answer: () => Promise.reject(new Error('disk')) });
  const failure = get(`${BASE}?metric=TIMEOUTS`);
  await expect(failure).rejects.toThrow('disk');
  await expect(failure).rejects.not.toBeInstanceOf(ApiError);
});

const TARGETS = [
  { target: BASE, scope: 'scope-1' },
  { target: `${BASE}?metric=TIMEOUTS`, scope: 'scope-1' },
  { target: `${BASE}/more`, scope: undefined },
  { target: '/api/v1/scopes//insights', scope: undefined },
  { target: '/api/v1/flows?x=/api/v1/scopes/scope-1/insights', scope: undefined },
];

test.each(TARGETS)('the scope of $target is $scope', ({ target, scope }) => {
  const match = extensionMatcher(setUp().routes)('GET', target.split('?')[0] ?? '');
  expect(match?.labels.scopeId).toBe(scope);
});
