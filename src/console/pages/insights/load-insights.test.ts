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

test('one request brings the contributors and the series', async () => {
  const api = new InsightsApiFake(3n);
  const insights = await load(api);
  expect(api.asked).toEqual([{ ...REQUEST, limit: 100 }]);
  expect(insights.contributors.map(({ category, value }) => [category, value])).toEqual([
    ['Internet', 3n],
  ]);
  expect(insights.series).toEqual([{ zone: 'az1', bins: [{ millis: 0, value: 3 }] }]);
  expect(insights.onlyLoopback).toBe(false);
});

test('no data: it is looked whether there was loopback, and told', async () => {
  const api = new InsightsApiFake();
  expect(await load(api)).toMatchObject({ contributors: [], onlyLoopback: false });
  api.loopback = 9n;
  expect(await load(api)).toMatchObject({ contributors: [], series: [], onlyLoopback: true });
});

const NOT_ASKED_TWICE = [
  { name: 'loopback is shown', change: { loopback: true } },
  { name: 'it is losses that there are none of', change: { metric: 'TIMEOUTS' } },
] as const;

test.each(NOT_ASKED_TWICE)('it is not looked a second time when $name', async ({ change }) => {
  const api = new InsightsApiFake();
  expect((await load(api, change)).onlyLoopback).toBe(false);
  expect(api.asked.length).toBe(1);
});
