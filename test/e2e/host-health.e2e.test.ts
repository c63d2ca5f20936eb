import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ServerProcess } from '../../src/lab/server-process.ts';
import { emptyValues, plainIndex, timingIndex } from '../../src/model/flow-metrics.ts';
import type { ConstructHealth } from '../../src/model/health.ts';
import type { Report, ReportedFlow } from '../../src/model/report.ts';
import { encodeBody } from '../load/report-source.ts';
import { knock, REPORT_HEADERS, signed } from './door.ts';

const WINDOW_SECONDS = 2;
const HOSTS = 8;
const REMOTES = 6;
const SEGMENTS = 2_000;

let server: ServerProcess;
beforeAll(async () => {
  const flags = ['--health-window-seconds', String(WINDOW_SECONDS)];
  server = await ServerProcess.start({ flags });
});
afterAll(() => server?.dispose());

/** The faults of a host in a report. */
interface Trouble {
  readonly retrans?: number;
  readonly exceeded?: number;
  readonly image?: string;
}

function reportOf(host: number, { retrans = 0, exceeded = 0, image = 'ami-old' }: Trouble): Report {
  return {
    host: {
      instanceId: `i-000000000000000a${host}`,
      instanceType: 'm6a.large',
      machineId: '',
      imageId: image,
      network: 'prod',
      zone: 'use1-az1',
      interfaces: [
        { name: 'eth0', kind: 'link', address: `10.0.1.${10 + host}`, prefixLength: 24 },
      ],
    },
    agent: { serviceName: 'a', serviceVersion: '1', buildTimestamp: '', reportVersion: '1.1' },
    timeUnixNano: BigInt(Date.now()) * 1_000_000n,
    flows: Array.from({ length: REMOTES }, (_, remote) => flowOf(host, remote, retrans)),
    hostStats: [
      {
        interfaceId: `eni-${host}`,
        values: { bw_out_allowance_exceeded: exceeded, rx_dropped: 2 },
      },
    ],
    processStats: {},
    counters: {},
  };
}

function flowOf(host: number, remote: number, retrans: number): ReportedFlow {
  const values = emptyValues();
  values[plainIndex('segments_delivered')] = SEGMENTS;
  values[plainIndex('bytes_delivered')] = SEGMENTS * 1_000;
  values[plainIndex('retrans_est')] = retrans;
  values.set([2, 900, 1_100, 2_000], timingIndex('rtt_us'));
  const addresses = { localAddress: `10.0.1.${10 + host}`, remoteAddress: `10.0.2.${remote}` };
  return { side: 'client', ...addresses, servicePort: 443, values };
}

async function post(report: Report): Promise<void> {
  const body = encodeBody(report);
  const credentials = await server.credentials('agent');
  const headers = signed(body, { credentials, headers: REPORT_HEADERS });
  const { status } = await knock(server.endpoint, { headers, body });
  expect(status).toBe(200);
}

async function ask<Answer>(target: string): Promise<Answer> {
  const to = { method: 'GET', target };
  const credentials = await server.credentials('default');
  const headers = signed(new Uint8Array(), { credentials, ...to });
  const { status, text } = await knock(server.endpoint, { ...to, headers });
  expect(status).toBe(200);
  return JSON.parse(text) as Answer;
}

/** Sends a report of every host per window until the constructs satisfy a condition; throws after a minute. */
async function reportUntil(
  troubleOf: (host: number) => Trouble,
  isEnough: (constructs: readonly ConstructHealth[]) => boolean,
): Promise<readonly ConstructHealth[]> {
  const latest = Date.now() + 60_000;
  for (;;) {
    for (let host = 0; host < HOSTS; host += 1) await post(reportOf(host, troubleOf(host)));
    const { constructs } = await ask<{ readonly constructs: readonly ConstructHealth[] }>(
      '/api/v1/health/constructs',
    );
    if (isEnough(constructs)) return constructs;
    if (Date.now() > latest)
      throw new Error(`the last constructs were ${JSON.stringify(constructs)}`);
    await delay(WINDOW_SECONDS * 1_000);
  }
}

const kindOf = (constructs: readonly ConstructHealth[], id: string) =>
  constructs.find(({ construct }) => construct.id === id)?.finding?.kind;

test('a host whose allowance counter rose is at its limit; another with equal loss is a sick host', async () => {
  const [limited, sick] = ['i-000000000000000a0', 'i-000000000000000a1'];
  const constructs = await reportUntil(
    (host) => (host < 2 ? { retrans: 100, exceeded: host === 0 ? 918 : 0 } : {}),
    (all) => kindOf(all, limited) !== undefined && kindOf(all, sick) !== undefined,
  );
  expect(kindOf(constructs, limited)).toBe('instance-limit');
  expect(kindOf(constructs, sick)).toBe('host');
  interface Answer {
    readonly hosts: readonly {
      readonly instanceId: string;
      readonly interfaces: readonly { readonly counters: Readonly<Record<string, number>> }[];
    }[];
  }
  const { hosts } = await ask<Answer>('/api/v1/hosts');
  expect(hosts.map(({ instanceId }) => instanceId)).toContain(limited);
  const [card] = hosts.find(({ instanceId }) => instanceId === limited)?.interfaces ?? [];
  expect(card?.counters.bw_out_allowance_exceeded).toBeGreaterThanOrEqual(918);
  expect(card?.counters.rx_dropped).toBeGreaterThanOrEqual(2);
  expect(card?.counters).not.toHaveProperty('tx_dropped');
});

test('loss on every path from hosts of a new image is a rollout, not a network fault', async () => {
  const constructs = await reportUntil(
    (host) => (host < 4 ? { retrans: 60, image: 'ami-new' } : {}),
    (all) => kindOf(all, 'ami-new') !== undefined,
  );
  expect(kindOf(constructs, 'ami-new')).toBe('rollout');
});
