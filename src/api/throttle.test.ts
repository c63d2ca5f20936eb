import { describe, expect, test } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { Metrics } from '../lib/metrics.ts';
import { createApi } from './create-api.ts';
import { admin, memoryApi, rawRequest } from './testing.ts';
import { Throttle, type ThrottleDeps } from './throttle.ts';

function bench(overrides: Partial<ThrottleDeps> = {}) {
  const clock = new FakeClock(1_000_000);
  const metrics = new Metrics();
  const perSecond = { read: 2 };
  const throttle = new Throttle({ clock, metrics, perSecond, burstSeconds: 3, ...overrides });
  /** How many of `count` simultaneous calls are allowed. */
  const taken = (count: number, account = 'a') => {
    let done = 0;
    for (let i = 0; i < count; i += 1) {
      try {
        throttle.take(account, 'read');
        done += 1;
      } catch {}
    }
    return done;
  };
  return { clock, metrics, throttle, taken };
}

test('a bucket allows its burst, then its rate, and fills up again', async () => {
  const { clock, metrics, taken } = bench();
  expect(taken(10)).toBe(6);
  clock.advance(499);
  expect(taken(1)).toBe(0);
  clock.advance(1);
  expect(taken(10)).toBe(1);
  clock.advance(2_000);
  expect(taken(10)).toBe(4);
  clock.advance(3_600_000);
  expect(taken(10)).toBe(6);
  expect(await metrics.value('nfm_api_throttled_total', { class: 'read' })).toBe(4 + 1 + 9 + 6 + 4);
});

test('rejected calls take no tokens, so constant calling still gets the rate', () => {
  const { clock, taken } = bench();
  taken(6);
  let done = 0;
  for (let i = 0; i < 1_000; i += 1) {
    clock.advance(10);
    done += taken(1);
  }
  expect(done).toBe(20);
});

test('accounts and classes have separate buckets, and a class without a rate is unlimited', () => {
  const { throttle, taken } = bench();
  expect(taken(10, 'a')).toBe(6);
  expect(taken(10, 'b')).toBe(6);
  for (let i = 0; i < 100; i += 1) throttle.take('a', 'write');
});

test('a clock that is set back neither adds nor removes tokens', () => {
  const { clock, taken } = bench();
  expect(taken(3)).toBe(3);
  clock.advance(-10_000);
  expect(taken(10)).toBe(3);
});

describe('the API', () => {
  const classes = [
    { line: 'GET /scopes', limited: 'read' },
    { line: 'GET /monitors/web', limited: 'read' },
    { line: 'DELETE /workloadInsights/s-1/topContributorsQueries/q-1', limited: 'read' },
    { line: 'POST /scopes', limited: 'write' },
    { line: 'DELETE /tags/x?tagKeys=a', limited: 'write' },
    { line: 'POST /monitors/web/topContributorsQueries', limited: 'query' },
  ] as const;
  test.each(classes)('$line is a $limited', async ({ line, limited }) => {
    const [method = '', path = ''] = line.split(' ');
    const statusesUnder = async (perSecond: ThrottleDeps['perSecond']) => {
      const { throttle } = bench({ perSecond, burstSeconds: 1 });
      const api = createApi(memoryApi({ throttle }).deps);
      const statuses: number[] = [];
      for (let i = 0; i < 2; i += 1) {
        statuses.push((await api(rawRequest(method, path), admin)).status);
      }
      return statuses;
    };
    expect((await statusesUnder({ [limited]: 1 }))[1]).toBe(429);
    const others = { read: 1, write: 1, query: 1, [limited]: 1_000 };
    expect(await statusesUnder(others)).not.toContain(429);
  });

  test('a throttled call is answered with ThrottlingException and Retry-After', async () => {
    const { throttle } = bench({ perSecond: { read: 1 }, burstSeconds: 1 });
    const api = createApi(memoryApi({ throttle }).deps);
    await api(rawRequest('GET', '/scopes'), admin);
    const answer = await api(rawRequest('GET', '/scopes'), admin);
    expect(answer).toMatchObject({
      status: 429,
      headers: { 'x-amzn-ErrorType': 'ThrottlingException', 'retry-after': '1' },
      body: '{"message":"Rate exceeded: account 123456789012 may make 1 read requests per second"}',
    });
  });
});
