import { expect, test } from 'vitest';
import { type InsightsRequest, loadInsights } from './load-insights.ts';
import { InsightsApiFake } from './testing.ts';

const REQUEST: InsightsRequest = {
  scopeId: 'scope',
  metric: 'DATA_TRANSFERRED',
  loopback: false,
  window: { startMillis: 0, endMillis: 3_600_000 },
};

function load(api: InsightsApiFake, change: Partial<InsightsRequest> = {}) {
  return loadInsights(api, { ...REQUEST, ...change }, new AbortController().signal);
}

test('one request reads the contributors and the series', async () => {
  const api = new InsightsApiFake(3n);
  const insights = await load(api);
  expect(api.asked).toEqual([{ ...REQUEST, limit: 100 }]);
  expect(insights.contributors.map(({ category, value }) => [category, value])).toEqual([
    ['Internet', 3n],
  ]);
  expect(insights.series).toEqual([{ zone: 'az1', bins: [{ millis: 0, value: 3 }] }]);
  expect(insights.onlyLoopback).toBe(false);
});

test('without data, a second request finds out whether there is only loopback', async () => {
  const api = new InsightsApiFake();
  expect(await load(api)).toMatchObject({ contributors: [], onlyLoopback: false });
  api.loopback = 9n;
  expect(await load(api)).toMatchObject({ contributors: [], series: [], onlyLoopback: true });
});

const NO_SECOND_REQUEST = [
  { name: 'loopback is shown', change: { loopback: true } },
  { name: 'the metric is not data transferred', change: { metric: 'TIMEOUTS' } },
] as const;

test.each(NO_SECOND_REQUEST)('there is no second request when $name', async ({ change }) => {
  const api = new InsightsApiFake();
  expect((await load(api, change)).onlyLoopback).toBe(false);
  expect(api.asked.length).toBe(1);
});
