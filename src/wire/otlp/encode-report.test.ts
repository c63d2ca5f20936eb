import { PbfReader } from 'pbf';
import { expect, test } from 'vitest';
import { emptyValues, plainIndex, timingIndex, VALUES_LENGTH } from '../../model/flow-metrics.ts';
import type { Report, ReportedFlow } from '../../model/report.ts';
import { decodeReport } from './decode-report.ts';
import { encodeReport } from './encode-report.ts';

function flow(over: Partial<ReportedFlow> = {}): ReportedFlow {
  const values = Float64Array.from({ length: VALUES_LENGTH }, (_, i) => i + 1);
  return {
    side: 'client',
    localAddress: '10.0.0.1',
    remoteAddress: '2001:db8::1',
    servicePort: 443,
    values,
    ...over,
  };
}

const report: Report = {
  host: {
    instanceId: 'i-0123456789abcdef0',
    instanceType: 'c7g.large',
    machineId: 'ab12',
    hostName: 'web-1',
    network: 'default',
    zone: 'use1-az1',
    interfaces: [
      { name: 'eth0', kind: 'link', address: '10.0.0.1', prefixLength: 24 },
      { name: 'lo', kind: 'loopback', address: '::1', prefixLength: 128 },
    ],
    defaultRoute: '10.0.0.254 eth0',
  },
  agent: {
    serviceName: 'network-flow-monitor',
    serviceVersion: '1.2.3',
    buildTimestamp: '2026-01-01T00:00:00.000Z',
    reportVersion: '1.1',
  },
  identity: { runId: 'b7d0ce6e-70f9-4beb-b2dc-57c6bd8c731d', sequence: 4_294_967_297 },
  timeUnixNano: 1_795_407_853_924_000_001n,
  flows: [flow()],
  processStats: { cpu_util: 0.25, mem_used_kb: 61_440, sockets_tracked: 0 },
  counters: { rtt_events: 12_345_678_901, publish_report_failed: 0 },
};

const decoded = (given: Partial<Report> = {}) =>
  decodeReport(Buffer.from(encodeReport({ ...report, ...given })));

/** The scope attributes of the first flow, read by pbf: fields 2 > 1 > 3 of resource metrics. */
function flowAttributes(given: Partial<ReportedFlow>): Record<string, string | number> {
  const bytes = encodeReport({ ...report, flows: [flow(given)] });
  const attributes: Record<string, string | number> = {};
  const message = (pbf: PbfReader, read: (tag: number, inner: PbfReader) => void): void => {
    pbf.readMessage((tag: number, _: object, inner: PbfReader) => read(tag, inner), {});
  };
  const attribute = (pbf: PbfReader): void => {
    let key = '';
    message(pbf, (tag, inner) => {
      if (tag === 1) key = inner.readString();
      else {
        message(inner, (kind, value) => {
          attributes[key] = kind === 1 ? value.readString() : value.readVarint();
        });
      }
    });
  };
  new PbfReader(bytes).readFields((_request: number, __: object, request: PbfReader) => {
    message(request, (field, resource) => {
      if (field !== 2) return;
      message(resource, (part, scopeMetrics) => {
        if (part !== 1) return;
        message(scopeMetrics, (each, scope) => {
          if (each === 3) attribute(scope);
        });
      });
    });
  }, {});
  return attributes;
}

test('every value of a flow is decoded again, and the time to the nanosecond', () => {
  const back = decoded();
  expect(back.timeUnixNano).toBe(report.timeUnixNano);
  expect([...(back.flows[0]?.values ?? [])]).toEqual([...flow().values]);
  expect(back.processStats).toEqual(report.processStats);
  expect(back.counters).toEqual(report.counters);
});

test('the attributes of the host have the documented names', () => {
  expect(Object.fromEntries(decoded().resource)).toEqual({
    'instance-id': 'i-0123456789abcdef0',
    'instance-type': 'c7g.large',
    'machine-id': 'ab12',
    'service.name': 'network-flow-monitor',
    'service.version': '1.2.3',
    'agent.build_ts': '2026-01-01T00:00:00.000Z',
    'report.version': '1.1',
    'host.name': 'web-1',
    'nfm.network': 'default',
    'nfm.zone': 'use1-az1',
    'nfm.interfaces': ['eth0 link 10.0.0.1/24', 'lo loopback ::1/128'],
    'nfm.default_route': '10.0.0.254 eth0',
    'agent.run_id': 'b7d0ce6e-70f9-4beb-b2dc-57c6bd8c731d',
    'report.sequence': 4_294_967_297n,
  });
});

test.each([
  { name: "a client's port is 0", side: 'client', local: 0, remote: 443 },
  { name: "a server's clients have port 0", side: 'server', local: 443, remote: 0 },
] as const)('$name', ({ side, local, remote }) => {
  expect(flowAttributes({ side })).toEqual({
    protocol: 'TCP',
    local_address: '10.0.0.1',
    remote_address: '2001:db8::1',
    local_port: local,
    remote_port: remote,
  });
});

test('the addresses that the existing agent sends are the translated ones', () => {
  expect(flowAttributes({ snatAddress: '192.0.2.1', dnatAddress: '10.0.3.1' })).toMatchObject({
    local_address: '192.0.2.1',
    remote_address: '10.0.3.1',
    'nfm.local_socket_address': '10.0.0.1',
    'nfm.remote_socket_address': '2001:db8::1',
  });
});

test('a remainder is decoded again, and is no flow', () => {
  const { values } = flow();
  const remainder = { side: 'server', hint: 'global', flows: 70_000, values } as const;
  const back = decoded({ flows: [], remainders: [remainder] });
  expect(back.flows).toEqual([]);
  expect(back.remainders.map(({ attributes }) => Object.fromEntries(attributes))).toEqual([
    { side: 'server', category_hint: 'global', flows: 70_000n },
  ]);
  expect(back.remainders[0]?.values).toEqual(values);
});

test('known pods are named', () => {
  const pods = {
    localPodName: 'cart-7f',
    localPodNamespace: 'shop',
    localServiceName: 'cart',
    remotePodName: '',
    remotePodNamespace: '',
    remoteServiceName: '',
  };
  const attributes = flowAttributes({ pods });
  expect(attributes.local_pod_service).toBe('cart');
  expect(attributes).not.toHaveProperty('remote_pod_name');
});

test('a timing without samples has count 0 and no extremes', () => {
  const [back] = decoded({ flows: [flow({ values: emptyValues() })] }).flows;
  expect([...(back?.values.subarray(timingIndex('connect_us')) ?? [])]).toEqual(
    Array(VALUES_LENGTH - timingIndex('connect_us')).fill(0),
  );
});

test('unknown values are not in the report', () => {
  const bytes = encodeReport({ ...report, flows: [flow({ values: emptyValues() })] });
  for (const name of ['busy_us', 'segments_ce', 'min_rtt_us', 'delivery_rate']) {
    expect(Buffer.from(bytes).includes(name)).toBe(false);
  }
  const [back] = decoded({ flows: [flow({ values: emptyValues() })] }).flows;
  expect(back?.values).toEqual(emptyValues());
});

test('zeros that busy_us implies are left out', () => {
  const values = emptyValues();
  values[plainIndex('busy_us')] = 0;
  values[plainIndex('dsacks')] = 3;
  const bytes = Buffer.from(encodeReport({ ...report, flows: [flow({ values })] }));
  const has = (name: string) => bytes.includes(name);
  expect([has('busy_us'), has('dsacks'), has('segments_ce')]).toEqual([true, true, false]);
});

test('byte counts are exact up to 2^53', () => {
  const values = new Float64Array(VALUES_LENGTH);
  values[plainIndex('bytes_received')] = Number.MAX_SAFE_INTEGER;
  values[timingIndex('rtt_us', 'count')] = 4_294_967_297;
  const [back] = decoded({ flows: [flow({ values })] }).flows;
  expect(back?.values[plainIndex('bytes_received')]).toBe(Number.MAX_SAFE_INTEGER);
  expect(back?.values[timingIndex('rtt_us', 'count')]).toBe(4_294_967_297);
});

test("a report without flows has the time of the agent's own numbers", () => {
  expect(decoded({ flows: [] }).timeUnixNano).toBe(report.timeUnixNano);
  expect(decoded({ flows: [], processStats: {}, counters: {} }).timeUnixNano).toBe(0n);
});

test("a card's counters have their own scope and change nothing else", () => {
  const hostStats = [{ interfaceId: 'eni-0a', values: { rx_dropped: 3 } }];
  const { hostStats: read, ...rest } = decoded({ hostStats });
  const { hostStats: none, ...same } = decoded();
  expect(rest).toEqual(same);
  expect(none).toEqual([]);
  expect(read).toEqual([
    { attributes: new Map([['interface_id', 'eni-0a']]), values: { rx_dropped: 3 } },
  ]);
  const text = Buffer.from(encodeReport({ ...report, hostStats })).toString('latin1');
  const positions = ['host_stats', 'interface_id', 'eni-0a', 'rx_dropped', 'process_stats'].map(
    (name) => text.indexOf(name),
  );
  expect(positions).toEqual(positions.toSorted((a, b) => a - b));
  expect(positions[0]).toBeGreaterThan(0);
});

test("the cloud's values of the host are attributes of the resource, if it has them", () => {
  const cards = [{ id: 'eni-0a', mac: '02:00:00:00:00:01', subnetId: 'subnet-1', vpcId: 'vpc-1' }];
  const cloud = { zoneName: 'us-east-1a', account: '123456789012', region: 'us-east-1', cards };
  const { resource } = decoded({ host: { ...report.host, ...cloud } });
  expect(resource.get('cloud.availability_zone')).toBe('us-east-1a');
  expect(resource.get('cloud.account.id')).toBe('123456789012');
  expect(resource.get('cloud.region')).toBe('us-east-1');
  expect(resource.get('nfm.cards')).toEqual(['eni-0a 02:00:00:00:00:01 subnet-1 vpc-1']);
  const nothing = { zoneName: '', account: '', region: '', cards: [] };
  expect(decoded({ host: { ...report.host, ...nothing } })).toEqual(decoded());
});
