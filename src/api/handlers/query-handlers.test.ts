import { expect, test } from 'vitest';
import type { WorkloadInsightsRow } from '../../model/query.ts';
import { createApi } from '../create-api.ts';
import { admin, bodyOf, memoryApi, outcomeOf, rawRequest } from '../testing.ts';

const question = {
  startTime: '2025-11-01T12:00:00Z',
  endTime: '2025-11-01T12:15:00Z',
  metricName: 'DATA_TRANSFERRED',
  destinationCategory: 'INTER_AZ',
};
const queriesPath = '/workloadInsights/s-1/topContributorsQueries';

async function start(over: object) {
  const { deps, queries } = memoryApi();
  const api = createApi({ ...deps, maxQueryRangeSeconds: 3600 });
  const answer = await api(rawRequest('POST', queriesPath, { ...question, ...over }), admin);
  return { answer, request: [...queries.values()][0] };
}

test('the range of a query is rounded outwards to whole seconds, and the default is 100 rows', async () => {
  const { request } = await start({
    startTime: '2025-11-01T12:00:00.900Z',
    endTime: '2025-11-01T13:14:59.100+01:00',
  });
  expect(request).toEqual({
    kind: 'WorkloadInsightsTopContributors',
    resource: 's-1',
    startSeconds: 1_761_998_400,
    endSeconds: 1_761_999_300,
    metric: 'DATA_TRANSFERRED',
    category: 'INTER_AZ',
    limit: 100,
  });
});

test('times can be epoch seconds', async () => {
  const { request } = await start({ startTime: 1_761_998_400, endTime: 1_761_998_460.5 });
  expect(request).toMatchObject({ startSeconds: 1_761_998_400, endSeconds: 1_761_998_461 });
});

const refused = [
  { name: 'an empty range', over: { endTime: question.startTime }, message: 'before endTime' },
  {
    name: 'more than the configured range',
    over: { endTime: '2025-11-01T13:00:01Z' },
    message: 'Time range can not exceed 1 hour',
  },
  { name: 'a time without a zone', over: { endTime: '2025-11-01T12:15:00' }, message: 'endTime' },
  {
    name: 'a date that does not exist',
    over: { endTime: '2025-13-01T12:15:00Z' },
    message: 'endTime',
  },
  { name: 'a limit of 501', over: { limit: 501 }, message: "'limit'" },
  { name: 'a fractional limit', over: { limit: 1.5 }, message: "'limit'" },
  {
    name: 'a metric of monitors',
    over: { metricName: 'ROUND_TRIP_TIME' },
    message: "'metricName'",
  },
];
test.each(refused)('rejects $name', async ({ over, message }) => {
  const { answer } = await start(over);
  expect(outcomeOf(answer)).toMatchObject({ status: 400, error: 'ValidationException' });
  expect(outcomeOf(answer).message).toContain(message);
});

test('results have pages whose tokens are valid only for one query, operation, account and Region', async () => {
  const { deps, answers } = memoryApi();
  const api = createApi(deps);
  const rows: WorkloadInsightsRow[] = [3n, 2n, 2n ** 63n].map((value) => ({ value }));
  answers.set('WorkloadInsightsTopContributors', {
    kind: 'WorkloadInsightsTopContributors',
    rows,
  });
  const { queryId } = bodyOf(await api(rawRequest('POST', queriesPath, question), admin));
  const other = bodyOf(await api(rawRequest('POST', queriesPath, question), admin)).queryId;
  const results = (id: unknown, query: string) =>
    rawRequest('GET', `${queriesPath}/${id}/results?maxResults=2${query}`);

  const first = bodyOf(await api(results(queryId, ''), admin));
  expect(first.topContributors).toEqual([{ value: 3 }, { value: 2 }]);
  const token = `&nextToken=${first.nextToken}`;
  const second = await api(results(queryId, token), admin);
  expect(second.body).toBe('{"topContributors":[{"value":9223372036854775808}]}');

  for (const answer of [
    await api(results(other, token), admin),
    await api(results(queryId, token), { ...admin, account: '210987654321' }),
    await api(results(queryId, token), { ...admin, region: 'eu-west-1' }),
    await api(rawRequest('GET', `/scopes?nextToken=${first.nextToken}`), admin),
  ]) {
    expect(outcomeOf(answer)).toMatchObject({ status: 400, error: 'ValidationException' });
  }
  const wide = rawRequest('GET', `${queriesPath}/${queryId}/results?maxResults=501`);
  expect(outcomeOf(await api(wide, admin)).message).toContain('maxResults');
});

test('an unknown query id is ResourceNotFoundException if the operation declares it, otherwise ValidationException', async () => {
  const api = createApi(memoryApi().deps);
  const results = await api(rawRequest('GET', `${queriesPath}/none/results`), admin);
  expect(outcomeOf(results).error).toBe('ResourceNotFoundException');
  const status = await api(rawRequest('GET', `${queriesPath}/none/status`), admin);
  expect(outcomeOf(status).error).toBe('ValidationException');
});
