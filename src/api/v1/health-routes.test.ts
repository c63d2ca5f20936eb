import { afterEach, beforeEach, expect, test } from 'vitest';
import { NOTHING_DETECTED } from '../../health/search/detect.ts';
import { HealthTables } from '../../health/storage/health-tables.ts';
import { type Database, openDatabase } from '../../lib/database.ts';
import { ApiError } from '../../model/api-error.ts';
import type { HealthExplanation } from '../../model/health.ts';
import type { Owner } from '../../model/owner.ts';
import { createApi } from '../create-api.ts';
import { admin, memoryApi, rawRequest } from '../testing.ts';
import { healthRoutes } from './health-routes.ts';

const NOW = Date.UTC(2026, 10, 25, 12, 0, 45);
const MINUTE = NOW / 1000 - 45;
const owner = { account: admin.account, region: admin.region };

const explanation: HealthExplanation = {
  state: 'degraded',
  healthIndicator: 1,
  start: '2026-11-25T12:00:00.000Z',
  end: '2026-11-25T12:00:30.000Z',
  sentence: 'Since 12:00 UTC flows through link l lose 2%.',
  findings: [],
  power: { cells: 12, segments: 24_000, smallestLoss: 0.001 },
  completeness: { hosts: 1, flowsCut: 0, bytesCut: 0 },
  baseline: 'learned',
  parameters: 1,
  baselineUntil: '2026-11-25T12:00:00.000Z',
};

let database: Database;
let api: ReturnType<typeof createApi>;
beforeEach(async () => {
  database = await openDatabase({ url: 'sqlite::memory:' });
  const health = new HealthTables(database);
  await health.start();
  await health.begin(owner, MINUTE, NOTHING_DETECTED);
  await health.keep(owner, {
    startSeconds: MINUTE,
    nextSeconds: MINUTE + 30,
    detector: NOTHING_DETECTED,
    constructs: [],
    monitors: [{ monitorName: 'web', explanation }],
    incidents: [],
  });
  const judgeAgain = (_: Owner, __: string, at: number) =>
    Promise.resolve(at === MINUTE ? { ...explanation, parameters: 2 } : undefined);
  const { deps } = memoryApi();
  const monitors: Parameters<typeof healthRoutes>[0]['monitors'] = {
    get: (_, monitorName) =>
      monitorName === 'web' || monitorName === 'new'
        ? Promise.resolve({ monitorName } as Awaited<ReturnType<typeof monitors.get>>)
        : Promise.reject(new ApiError('ResourceNotFoundException', 'no such monitor')),
  };
  api = createApi({
    ...deps,
    extensionRoutes: healthRoutes({ health, judgeAgain, monitors, now: () => NOW }),
  });
});
afterEach(() => database.destroy());

async function ask(path: string) {
  const response = await api(rawRequest('GET', `/api/v1/health/${path}`), admin);
  return { http: response.status, ...(JSON.parse(String(response.body)) as object) };
}

test('the status is the latest minute of each monitor with its sentence', async () => {
  expect(await ask('status')).toEqual({
    http: 200,
    monitors: [
      {
        monitorName: 'web',
        minute: '2026-11-25T12:00:00.000Z',
        state: 'degraded',
        healthIndicator: 1,
        isFinal: false,
        sentence: explanation.sentence,
      },
    ],
  });
});

test('the explanation is that of the given minute, or of the latest one before it', async () => {
  const now = await ask('monitors/web/explanation');
  expect(now).toEqual({ http: 200, ...JSON.parse(JSON.stringify(explanation)) });
  expect(await ask('monitors/web/explanation?at=2026-11-25T12:30:00Z')).toEqual(now);
});

test.each([
  { name: 'before the first minute', path: 'monitors/web/explanation?at=2026-11-25T11:00:00Z' },
  { name: 'of a monitor without a judged minute', path: 'monitors/new/explanation' },
  { name: 'of an unknown monitor', path: 'monitors/none/explanation' },
])('there is no explanation $name', async ({ path }) => {
  expect(await ask(path)).toMatchObject({ http: 404 });
});

test('minutes are those of the range; unknown metrics are absent', async () => {
  const range = 'start=2026-11-25T12:00:00Z&end=2026-11-25T12:01:00Z';
  expect(await ask(`monitors/web/minutes?${range}`)).toEqual({
    http: 200,
    minutes: [
      {
        monitorName: 'web',
        minute: '2026-11-25T12:00:00.000Z',
        state: 'degraded',
        healthIndicator: 1,
        isFinal: false,
      },
    ],
  });
});

test('without constructs or incidents the lists are empty', async () => {
  expect(await ask('constructs')).toEqual({ http: 200, constructs: [] });
  expect(await ask('incidents')).toEqual({ http: 200, incidents: [] });
});

test('rejects an unknown parameter', async () => {
  expect(await ask('status?since=1h')).toMatchObject({ http: 400 });
});

test('judges a minute again if its evidence is stored', async () => {
  const again = await ask('monitors/web/explanation?at=2026-11-25T12:00:00Z&again=true');
  expect(again).toMatchObject({ http: 200, parameters: 2 });
  const gone = await ask('monitors/web/explanation?again=true');
  expect(gone).toMatchObject({ http: 404 });
  expect(gone).toHaveProperty('message', expect.stringContaining('no search ran'));
});
