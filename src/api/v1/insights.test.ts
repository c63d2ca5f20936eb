import { expect, test } from 'vitest';
import { ApiError } from '../../model/api-error.ts';
import type { RawRequest } from '../../model/http.ts';
import type { FlowReader } from '../../query/queries.ts';
import { admin } from '../testing.ts';
import { getInsights, insightsScopeOf } from './insights.ts';

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

type Statement = Parameters<FlowReader['query']>[0];

interface Setting {
  readonly answer?: (signal: AbortSignal) => Promise<unknown[]>;
  readonly limit?: AbortSignal;
}

/** The handler over a store that answers in order, and the parameters it was asked with. */
function setUp({ answer, limit = new AbortController().signal }: Setting = {}) {
  const asked: unknown[][] = [];
  const store: FlowReader = {
    async query<Row>({ fragment }: Statement, signal?: AbortSignal) {
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
  const get = (target: string) => {
    const request: RawRequest = {
      method: 'GET',
      target,
      headers: new Map(),
      body: new Uint8Array(),
      remoteAddress: '127.0.0.1',
    };
    return getInsights(deps, request, admin);
  };
  return { asked, get };
}

test('an answer has unit, rows with their category, and series with ISO times', async () => {
  const { get } = setUp();
  const { status, body } = await get(`${BASE}?metric=DATA_TRANSFERRED`);
  expect(status).toBe(200);
  expect(body).toContain('"value":18446744073709551615');
  expect(JSON.parse(String(body))).toMatchObject({
    unit: 'Bytes',
    rows: [{ accountId: '123456789012', destinationCategory: 'INTERNET', remoteIdentifier: '' }],
    series: [{ label: 'use1-az1', timestamps: ['2026-01-01T10:00:00.000Z'], values: [7] }],
  });
});

test('the range, the category, loopback and the limit are asked of the store', async () => {
  const { get, asked } = setUp();
  const range = 'start=2026-01-01T08:00:00Z&end=2026-01-01T09:00:00Z';
  await get(`${BASE}?metric=TIMEOUTS&${range}&category=INTER_AZ&limit=5&loopback=false`);
  const end = Date.UTC(2026, 0, 1, 9) / 1000;
  const owner = ['123456789012', 'us-east-1'];
  expect(asked[0]).toEqual([end - 3600, end, 'INTER_AZ', 'loopback', ...owner, 5]);
});

test('nothing said but the metric: the last hour, every category, loopback too, 100 rows', async () => {
  const { get, asked } = setUp();
  await get(`${BASE}?metric=TIMEOUTS`);
  const end = NOW / 1000 + 60;
  expect(asked[0]).toEqual([end - 3600, end, '123456789012', 'us-east-1', 100]);
});

const REFUSED = [
  { name: 'no metric', query: '', message: 'metric: is required' },
  { name: 'a metric of monitors', query: 'metric=ROUND_TRIP_TIME', message: 'metric: one of' },
  { name: 'a limit of 0', query: 'metric=TIMEOUTS&limit=0', message: 'limit: a whole number' },
  { name: 'too many rows', query: 'metric=TIMEOUTS&limit=501', message: 'from 1 to 500' },
  { name: 'a category unheard of', query: 'metric=TIMEOUTS&category=MOON', message: 'category:' },
  { name: 'loopback perhaps', query: 'metric=TIMEOUTS&loopback=perhaps', message: 'loopback:' },
  { name: 'an unknown name', query: 'metric=TIMEOUTS&shoe=1', message: 'shoe: is not taken' },
  { name: 'a name twice', query: 'metric=TIMEOUTS&metric=TIMEOUTS', message: 'taken once' },
  { name: 'a time that is none', query: 'metric=TIMEOUTS&start=now', message: 'start: an ISO' },
  {
    name: 'an end before the start',
    query: 'metric=TIMEOUTS&start=2026-01-01T10:00:00Z&end=2026-01-01T09:00:00Z',
    message: 'start: must be before end',
  },
];

test.each(REFUSED)('refused, and nothing asked: $name', async ({ query, message }) => {
  const { get, asked } = setUp();
  const refusal = get(`${BASE}?${query}`);
  await expect(refusal).rejects.toThrow(message);
  await expect(refusal).rejects.toHaveProperty('name', 'ValidationException');
  expect(asked).toEqual([]);
});

test('an answer that takes too long is refused with what to do', async () => {
  const { get } = setUp({
    limit: AbortSignal.abort(new Error('30 s')),
    answer: async (signal) => {
      signal.throwIfAborted();
      return [];
    },
  });
  await expect(get(`${BASE}?metric=TIMEOUTS`)).rejects.toThrow('ask for a shorter time range');
});

test('a failure of the store is its own, not the caller’s', async () => {
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

test.each(TARGETS)('$target asks for the insights of $scope', ({ target, scope }) => {
  expect(insightsScopeOf(target)).toBe(scope);
});
