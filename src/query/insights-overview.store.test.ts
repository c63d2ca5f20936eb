import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../lib/log.ts';
import { Metrics } from '../lib/metrics.ts';
import type { DestinationCategory } from '../model/category.ts';
import { type EnrichedFlow, LOOPBACK_IDENTIFIER, UNKNOWN_END } from '../model/enriched-flow.ts';
import { plainIndex, VALUES_LENGTH } from '../model/flow-metrics.ts';
import { FlowStore } from '../store/flow-store.ts';
import { sql } from '../store/sql.ts';
import { oneSlice } from '../store/testing.ts';
import { insightsOverview, type OverviewRequest } from './insights-overview.ts';

/** The start of today, so that the rows are within every retention. */
const START = Math.floor(Date.now() / 86_400_000) * 86_400;
const OWNER = { account: '000000000000', region: 'us-east-1' };
const REQUEST: OverviewRequest = {
  startSeconds: START,
  endSeconds: START + 3600,
  metric: 'DATA_TRANSFERRED',
  limit: 100,
};

let folder: string;
let store: FlowStore;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nfm-overview-'));
  store = new FlowStore({
    options: {
      location: { path: join(folder, 'store') },
      retentionDays: 7,
      queryConnections: 1,
      maxSeconds: 10,
      maxMemoryBytes: 2 ** 30,
    },
    log: silentLog,
    metrics: new Metrics(),
  });
  await store.start();
  await store.insert(
    oneSlice([
      flow({ category: 'INTERNET', bytes: 100, at: 0 }),
      flow({ category: 'INTERNET', bytes: 50, at: 300 }),
      flow({ category: 'INTER_AZ', bytes: 120, at: 0, remote: 'subnet-far' }),
      flow({ category: 'INTRA_AZ', bytes: 900, at: 0, remote: LOOPBACK_IDENTIFIER }),
      flow({ category: 'INTERNET', bytes: 7_000, at: 0, account: '111111111111' }),
      flow({ category: 'INTERNET', bytes: 8_000, at: 3600 }),
    ]),
    1n,
  );
});

afterAll(async () => {
  await store?.stop();
  await rm(folder, { recursive: true, force: true });
});

interface MadeFlow {
  readonly category: DestinationCategory;
  readonly bytes: number;
  /** Seconds after START. */
  readonly at: number;
  readonly remote?: string;
  readonly account?: string;
}

function flow({ category, bytes, at, remote = '', account = OWNER.account }: MadeFlow) {
  const values = new Float64Array(VALUES_LENGTH);
  values[plainIndex('bytes_received')] = bytes;
  const enriched: EnrichedFlow = {
    timeSeconds: START + at,
    owner: { ...OWNER, account },
    flow: {
      side: 'client',
      localAddress: '10.0.0.1',
      remoteAddress: '10.0.1.1',
      servicePort: 443,
      values,
    },
    local: { ...UNKNOWN_END, ...OWNER, subnetId: 'subnet-near', az: 'use1-az1' },
    remote: UNKNOWN_END,
    cluster: '',
    category,
    remoteIdentifier: remote,
  };
  return enriched;
}

async function ask(change: Partial<OverviewRequest> = {}) {
  const request = { ...REQUEST, ...change };
  const answer = await insightsOverview(store, { request, targets: [OWNER] }, { owner: OWNER });
  const rows = answer.rows.map((row) => [row.destinationCategory, row.value]);
  const series = answer.series.map(({ label, values }) => [label, values]);
  return { ...answer, rows, series };
}

test('the top rows of all categories, and the series over the same flows', async () => {
  const { unit, rows, series } = await ask();
  expect(unit).toBe('Bytes');
  expect(rows).toEqual([
    ['INTRA_AZ', 900n],
    ['INTERNET', 150n],
    ['INTER_AZ', 120n],
  ]);
  expect(series).toEqual([
    ['loopback', [900]],
    ['use1-az1', [220, 50]],
  ]);
});

test('the limit counts the rows without loopback when loopback is left out', async () => {
  const { rows, series } = await ask({ loopback: false, limit: 1 });
  expect(rows).toEqual([['INTERNET', 150n]]);
  expect(series).toEqual([['use1-az1', [220, 50]]]);
});

test('one category has its own rows and series', async () => {
  const { rows, series } = await ask({ category: 'INTER_AZ' });
  expect(rows).toEqual([['INTER_AZ', 120n]]);
  expect(series).toEqual([['use1-az1', [120]]]);
});

test('a metric without data has no rows and no series', async () => {
  const { unit, rows, series } = await ask({ metric: 'TIMEOUTS' });
  expect({ unit, rows, series }).toEqual({ unit: 'Count', rows: [], series: [] });
});

test('one connection is enough for both queries, and an aborted waiting call rejects at once', async () => {
  const abort = new AbortController();
  const slow = store.query(sql`SELECT sleep(1)`);
  const waiting = insightsOverview(
    store,
    { request: REQUEST, targets: [OWNER] },
    { owner: OWNER, signal: abort.signal },
  );
  abort.abort(new Error('gone'));
  await expect(waiting).rejects.toThrow('gone');
  await slow;
  expect((await ask()).rows.length).toBe(3);
});
