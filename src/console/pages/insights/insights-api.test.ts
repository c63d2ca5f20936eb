import { expect, test } from 'vitest';
import { NetworkFlowMonitorClient } from '../../../client/network-flow-monitor-client.ts';
import type { TransportRequest } from '../../../client/transport.ts';
import { InsightsApi } from './insights-api.ts';

const never = new AbortController().signal;
const QUERY = {
  scopeId: 'scope-1',
  metric: 'TIMEOUTS',
  category: 'INTERNET',
  loopback: false,
  limit: 100,
  window: { startMillis: Date.UTC(2026, 0, 1, 9), endMillis: Date.UTC(2026, 0, 1, 10) },
} as const;

/** The real client with fixed answers in order, and the requests it sent. Text is sent unchanged. */
function setUp(answers: readonly unknown[]) {
  const sent: TransportRequest[] = [];
  const transport = {
    send: async (request: TransportRequest) => {
      sent.push(request);
      const answer = answers[sent.length - 1] ?? {};
      const body = typeof answer === 'string' ? answer : JSON.stringify(answer);
      return { status: 200, headers: {}, body };
    },
  };
  const client = new NetworkFlowMonitorClient({ transport });
  return { sent, api: new InsightsApi({ client }) };
}

test('one request reads contributors and series, and 64-bit values stay exact', async () => {
  const row = { localSubnetId: 'subnet-1', destinationCategory: 'INTERNET', value: 7 };
  const point = { label: 'az1', timestamps: ['2026-01-01T09:00:00.000Z'], values: [3] };
  const exact = JSON.stringify({ unit: 'Count', rows: [row], series: [point] }).replace(
    '"value":7',
    '"value":9007199254740993',
  );
  const { api, sent } = setUp([exact]);
  const answer = await api.insights(QUERY, never);
  expect(answer.rows).toEqual([{ ...row, value: 9007199254740993n }]);
  expect(answer.series).toEqual([
    { label: 'az1', timestamps: [new Date('2026-01-01T09:00:00Z')], values: [3] },
  ]);
  expect(sent.map(({ method, target }) => `${method} ${target}`)).toEqual([
    'GET /api/v1/scopes/scope-1/insights?metric=TIMEOUTS&start=2026-01-01T09%3A00%3A00.000Z' +
      '&end=2026-01-01T10%3A00%3A00.000Z&limit=100&loopback=false&category=INTERNET',
  ]);
});

test('a request for all categories names none', async () => {
  const { api, sent } = setUp([{ unit: 'Count', rows: [], series: [] }]);
  expect(await api.insights({ ...QUERY, category: undefined }, never)).toEqual({
    rows: [],
    series: [],
  });
  expect(sent[0]?.target).not.toContain('category');
});

test('a category of a newer server becomes unclassified, and a malformed answer is rejected', async () => {
  const rows = [{ destinationCategory: 'MOON', value: 1 }];
  const { api } = setUp([{ unit: 'Count', rows, series: [] }, {}]);
  const answer = await api.insights(QUERY, never);
  expect(answer.rows[0]?.destinationCategory).toBe('UNCLASSIFIED');
  await expect(api.insights(QUERY, never)).rejects.toThrow('cannot read the answer');
});

const SCOPES = [
  { name: 'none', statuses: [], found: undefined },
  { name: 'only a deleted one', statuses: ['DEACTIVATED'], found: undefined },
  { name: 'one in progress', statuses: ['DEACTIVATED', 'IN_PROGRESS'], found: 'IN_PROGRESS' },
  {
    name: 'one that is ready after another',
    statuses: ['DEACTIVATING', 'SUCCEEDED'],
    found: 'SUCCEEDED',
  },
];

test.each(SCOPES)('the scope that is shown out of: $name', async ({ statuses, found }) => {
  const scopes = statuses.map((status) => ({ scopeId: status, scopeArn: 'arn', status }));
  const { api } = setUp([{ scopes }]);
  expect((await api.findScope(never))?.status).toBe(found);
});

test('a scope is created for one account and Region', async () => {
  const { api, sent } = setUp([{ scopeId: 's', scopeArn: 'arn', status: 'IN_PROGRESS' }]);
  await api.createScope({ account: '000000000000', region: 'eu-west-1' });
  expect(sent[0]).toMatchObject({ method: 'POST', target: '/scopes' });
  expect(JSON.parse(sent[0]!.body).targets).toEqual([
    {
      targetIdentifier: { targetId: { accountId: '000000000000' }, targetType: 'ACCOUNT' },
      region: 'eu-west-1',
    },
  ]);
});
