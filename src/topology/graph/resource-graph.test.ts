import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../lib/clock.ts';
import { type Database, openDatabase } from '../../lib/database.ts';
import { silentLog } from '../../lib/log.ts';
import { Metrics } from '../../lib/metrics.ts';
import { emptyPostgresSchema } from '../../lib/testing.ts';
import { nic, vpc } from '../testing.ts';
import type { Resource } from './resource.ts';
import { ResourceGraph } from './resource-graph.ts';
import { historyOf, resourceAt, sourceOfMembers } from './resource-version.ts';
import { VersionRepository } from './version-repository.ts';

const NOW = 1_800_000_000;
const RETENTION = 7 * 86_400;
/** `NFM_TEST_POSTGRES_URL` names a PostgreSQL database that the test may empty. */
const postgresUrl = process.env.NFM_TEST_POSTGRES_URL;

const databases = [
  {
    name: 'SQLite',
    url: (folder: string) => `sqlite:${join(folder, 'control.db')}`,
    isThere: true,
  },
  {
    name: 'PostgreSQL',
    url: () => emptyPostgresSchema(postgresUrl ?? ''),
    isThere: postgresUrl !== undefined,
  },
];

describe.each(databases)('on $name', ({ url, isThere }) => {
  let folder: string;
  let address: string;
  let database: Database;
  let clock: FakeClock;
  let metrics: Metrics;
  let graph: ResourceGraph;
  let changes: number;

  beforeEach(async (context) => {
    if (!isThere) return context.skip('NFM_TEST_POSTGRES_URL is not set');
    folder = mkdtempSync(join(tmpdir(), 'nfm-graph-'));
    address = await url(folder);
    clock = new FakeClock(NOW * 1000);
    await restart();
  });

  afterEach(async () => {
    if (!isThere) return;
    await stop();
    rmSync(folder, { recursive: true });
  });

  async function restart(): Promise<void> {
    database = await openDatabase({ url: address });
    metrics = new Metrics();
    changes = 0;
    graph = new ResourceGraph({
      repository: new VersionRepository({ database, clock, retentionSeconds: RETENTION }),
      onChange: () => {
        changes += 1;
      },
      clock,
      log: silentLog,
      metrics,
    });
    await graph.start();
  }

  async function stop(): Promise<void> {
    await graph.stop();
    await database.destroy();
  }

  const report = (atSeconds: number, ...resources: readonly Resource[]) =>
    graph.accept({ source: 'aws', slice: 'a', atSeconds, resources });
  const at = (timeSeconds: number) => resourceAt(graph.historyOf('vpc vpc-a'), timeSeconds);
  const wide = vpc('vpc-a', '10.0.0.0/8');
  const narrow = vpc('vpc-a', '10.0.0.0/16');

  test('a change ends one version and begins another, and nothing is overwritten', async () => {
    await report(NOW, wide);
    await report(NOW + 10, narrow);
    await report(NOW + 20);
    expect([NOW - 1, NOW, NOW + 9, NOW + 10, NOW + 19, NOW + 20].map(at)).toEqual([
      undefined,
      wide,
      wide,
      narrow,
      narrow,
      undefined,
    ]);
  });

  test('a repeated statement adds no version and changes nothing', async () => {
    await report(NOW, wide);
    for (let i = 1; i <= 100; i += 1) await report(NOW + i, vpc('vpc-a', '10.0.0.0/8'));
    expect(await metrics.value('nfm_topology_versions')).toBe(1);
    expect(changes).toBe(1);
  });

  test('the history is there after a restart, and continues', async () => {
    await report(NOW, wide);
    await report(NOW + 10, narrow);
    await stop();
    await restart();
    expect(changes).toBe(1);
    expect([at(NOW), at(NOW + 10)]).toEqual([wide, narrow]);
    await report(NOW + 20, narrow);
    expect(await metrics.value('nfm_topology_versions')).toBe(2);
    await report(NOW + 30);
    await stop();
    await restart();
    expect([at(NOW + 29), at(NOW + 30)]).toEqual([narrow, undefined]);
    expect(graph.statuses()).toMatchObject([{ lastSuccessSeconds: NOW + 30, resources: 0 }]);
  });

  test('versions that ended before all flows are deleted, current ones are not', async () => {
    await report(NOW, wide, vpc('vpc-b'));
    await report(NOW + 10, narrow, vpc('vpc-b'));
    clock.advance((RETENTION + 4_000) * 1000);
    await graph.save();
    await graph.expire();
    expect(await metrics.value('nfm_topology_versions')).toBe(2);
    await stop();
    await restart();
    expect(await metrics.value('nfm_topology_versions')).toBe(2);
  });

  test('the statement of a failing source stays in force, with the time since when it fails', async () => {
    await report(NOW, wide);
    const slice = { source: 'aws', slice: 'a' } as const;
    graph.fail({ ...slice, atSeconds: NOW + 10, message: 'access denied' });
    graph.fail({ ...slice, atSeconds: NOW + 20, message: 'still denied' });
    expect(at(NOW + 1000)).toEqual(wide);
    expect(graph.statuses()).toEqual([
      {
        ...slice,
        lastSuccessSeconds: NOW,
        error: 'still denied',
        failingSinceSeconds: NOW + 10,
        warnings: [],
        resources: 1,
      },
    ]);
    await graph.accept({ ...slice, atSeconds: NOW + 30, resources: [wide], warnings: ['odd'] });
    expect(graph.statuses()).toMatchObject([{ error: undefined, warnings: ['odd'] }]);
  });

  test('a withdrawn slice ends, and its past stays', async () => {
    await report(NOW, wide);
    await graph.save();
    await graph.withdraw({ source: 'aws', slice: 'a' }, NOW + 10);
    expect(graph.statuses()).toEqual([]);
    await stop();
    await restart();
    expect([at(NOW), at(NOW + 10)]).toEqual([wide, undefined]);
    expect(graph.statuses()).toEqual([]);
  });

  test('while the database fails nothing is lost, because the next save repeats it', async () => {
    const rename = (from: string, to: string) =>
      database.schema.alterTable(from).renameTo(to).execute();
    await report(NOW, wide);
    await rename('topology_versions', 'away');
    await expect(graph.save()).rejects.toThrow('cannot save the resource graph');
    await rename('away', 'topology_versions');
    await stop();
    await restart();
    expect(at(NOW)).toEqual(wide);
  });

  test('after the clock is set back, no version ends before it began', async () => {
    await report(NOW, wide);
    await report(NOW - 100, narrow);
    expect([at(NOW), at(NOW + 1)]).toEqual([wide, narrow]);
  });
});

describe('a resource that several slices describe', () => {
  const base = { source: 'agents', slice: 's', fromSeconds: 0, toSeconds: 100 } as const;
  const interfaces = [
    {
      ...base,
      source: 'inventory' as const,
      resource: nic('eni-1', 'vpc-a', { name: 'by hand', instanceId: 'i-1' }),
    },
    {
      ...base,
      source: 'aws' as const,
      fromSeconds: 50,
      toSeconds: 80,
      resource: nic('eni-1', 'vpc-b', { instanceId: undefined }),
    },
  ];

  test('has each member from the first slice that describes it at the time', () => {
    for (const order of [interfaces, interfaces.toReversed()]) {
      expect(historyOf(order)).toMatchObject([
        { fromSeconds: 0, toSeconds: 50, resource: { vpcId: 'vpc-a', name: 'by hand' } },
        {
          fromSeconds: 50,
          toSeconds: 80,
          resource: { vpcId: 'vpc-b', name: 'by hand', instanceId: 'i-1' },
        },
        { fromSeconds: 80, toSeconds: 100, resource: { vpcId: 'vpc-a', name: 'by hand' } },
      ]);
    }
  });

  test('has the source of each member', () => {
    expect(sourceOfMembers(interfaces, 60)).toMatchObject({
      vpcId: 'aws',
      addresses: 'aws',
      name: 'inventory',
      instanceId: 'inventory',
    });
  });

  test('of one source, the first slice by name has precedence', () => {
    const slices = ['b', 'a'].map((slice) => ({ ...base, slice, resource: vpc('vpc-a', slice) }));
    expect(resourceAt(slices, 1)).toEqual(vpc('vpc-a', 'a'));
  });
});
