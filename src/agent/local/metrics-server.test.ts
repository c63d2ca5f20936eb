import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { plainIndex, VALUES_LENGTH } from '../../model/flow-metrics.ts';
import type { HostDescription, Report } from '../../model/report.ts';
import type { CardCounts } from '../host/host-stats.ts';
import { LocalMetrics } from './local-metrics.ts';
import { MetricsServer } from './metrics-server.ts';

const HOST: HostDescription = {
  ...{ instanceId: 'i-1', instanceType: '', machineId: 'm', hostName: 'web "1"' },
  interfaces: [{ name: 'eth0', kind: 'link', address: '10.0.0.1', prefixLength: 24 }],
};

let root: string;
let cards: readonly CardCounts[];
let metrics: LocalMetrics;
let server: MetricsServer;
let url: string;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'nfm-sysfs-'));
  cards = [];
  count({ rx_bytes: 1_000, tx_bytes: 2_000 });
  metrics = new LocalMetrics({ describeHost: () => HOST, root, readCards: () => cards });
  const scrape = () => metrics.scrape();
  server = new MetricsServer({ address: '127.0.0.1', port: 0, scrape });
  url = `http://127.0.0.1:${await server.start()}`;
});
afterEach(async () => {
  await server.stop();
  rmSync(root, { recursive: true });
});

function count(counts: Readonly<Record<string, number>>): void {
  const folder = join(root, 'eth0', 'statistics');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(root, 'eth0', 'type'), '1\n');
  for (const [name, value] of Object.entries(counts))
    writeFileSync(join(folder, name), `${value}\n`);
}

function report(bytesReceived: number): Report {
  const values = new Float64Array(VALUES_LENGTH);
  values[plainIndex('bytes_received')] = bytesReceived;
  values[plainIndex('sockets_established')] = 2;
  values[plainIndex('rtos_est')] = Number.NaN;
  const flow = { remoteAddress: '10.0.0.2', servicePort: 443, values };
  return {
    host: HOST,
    agent: { serviceName: 's', serviceVersion: '1', buildTimestamp: '', reportVersion: '1.1' },
    timeUnixNano: 1n,
    flows: [
      { ...flow, side: 'client', localAddress: '10.0.0.1' },
      { ...flow, side: 'server', localAddress: '10.0.0.1' },
      { ...flow, side: 'server', localAddress: '172.17.0.2' },
    ],
    processStats: { cpu_util: 0.5 },
    counters: { flows_cut: 3 },
  };
}

/** The page's samples, by name and labels. */
async function samples(): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

test('the page is OpenMetrics', async () => {
  metrics.observe(report(10));
  const answer = await fetch(`${url}/metrics`);
  const type = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
  expect(answer.headers.get('content-type')).toBe(type);
  const text = await answer.text();
  expect(text.endsWith('\n# EOF\n')).toBe(true);
  expect(text).toContain(
    [
      '# TYPE system_network_io_bytes counter',
      '# UNIT system_network_io_bytes bytes',
      '# HELP system_network_io_bytes Bytes of a network device',
      'system_network_io_bytes_total{network_interface_name="eth0",network_io_direction="receive"} 1000',
    ].join('\n'),
  );
  expect(text).toContain('host_name="web \\"1\\""');
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  expect(new Set(names).size).toBe(names.length);
});

test("the existing agent's gauges are the growth since the last scrape, for each device", async () => {
  expect([...(await samples()).keys()].some((key) => key.startsWith('ingress_bytes'))).toBe(false);
  count({ rx_bytes: 1_500, tx_bytes: 2_000 });
  metrics.observe(report(10));
  metrics.observe(report(10));
  const second = await samples();
  expect(second.get('ingress_bytes{instance_id="i-1",iface="eth0"}')).toBe(500);
  expect(second.get('egress_bytes{instance_id="i-1",iface="eth0"}')).toBe(0);
  expect(second.get('ingress_flow{instance_id="i-1",iface="eth0"}')).toBe(2);
  expect(second.get('egress_flow{instance_id="i-1",iface="eth0"}')).toBe(2);
  const third = await samples();
  expect(third.get('ingress_bytes{instance_id="i-1",iface="eth0"}')).toBe(0);
  expect(third.get('ingress_flow{instance_id="i-1",iface="eth0"}')).toBe(0);
});

test("EC2's allowances are shown when the driver counts them", async () => {
  const exceeded = (value: number) => ({ pps_allowance_exceeded: value });
  const card = { name: 'eth0', interfaceId: 'eni-1', levels: {} };
  cards = [{ ...card, counts: exceeded(5) }];
  await samples();
  cards = [{ ...card, counts: exceeded(8) }];
  const key = 'pps_allowance_exceeded{instance_id="i-1",eni="eni-1"}';
  expect((await samples()).get(key)).toBe(3);
});

test("flows' counters only grow, levels are as of the last report, unknown values are absent", async () => {
  metrics.observe(report(10));
  metrics.observe(report(5));
  const page = await samples();
  expect(page.get('nfm_tcp_bytes_received_total')).toBe(45);
  expect(page.get('nfm_tcp_sockets_established')).toBe(6);
  expect(page.has('nfm_tcp_rtos_est_total')).toBe(false);
  expect(page.get('nfm_agent_flows_cut_total')).toBe(6);
  expect(page.get('nfm_agent_cpu_util')).toBe(0.5);
});

test.each([
  { name: 'the root names the path of the page', path: '/', method: 'GET', status: 200 },
  { name: 'other paths do not exist', path: '/other', method: 'GET', status: 404 },
  { name: 'nothing can be posted', path: '/metrics', method: 'POST', status: 405 },
])('$name', async ({ path, method, status }) => {
  expect((await fetch(`${url}${path}`, { method })).status).toBe(status);
});

test('a port in use is an error that names it', async () => {
  const port = Number(new URL(url).port);
  const second = new MetricsServer({ address: '127.0.0.1', port, scrape: () => [] });
  await expect(second.start()).rejects.toThrow('give another --open-metrics-port');
});
