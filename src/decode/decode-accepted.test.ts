import { describe, expect, test } from 'vitest';
import type { AcceptedReport } from '../model/accepted-report.ts';
import { emptyValues, plainIndex, timingIndex, VALUES_LENGTH } from '../model/flow-metrics.ts';
import type { HostDescription, Remainder, Report, ReportedFlow } from '../model/report.ts';
import { encodeReport } from '../wire/otlp/encode-report.ts';
import { type DecodedReport, decodeAccepted } from './decode-accepted.ts';

const RECEIVED = Date.parse('2026-11-23T12:00:00.250Z');
const RETENTION_SECONDS = 7 * 86_400;

function flow(over: Partial<ReportedFlow> = {}): ReportedFlow {
  const values = Float64Array.from({ length: VALUES_LENGTH }, (_, i) => i + 1);
  const addresses = { localAddress: '10.0.0.1', remoteAddress: '10.0.1.1' };
  return { side: 'client', ...addresses, servicePort: 443, values, ...over };
}

function reportOf(flows: readonly ReportedFlow[], over: Partial<Report> = {}): Report {
  return {
    host: { instanceId: 'i-1', instanceType: 't', machineId: 'm', interfaces: [] },
    agent: { serviceName: 'a', serviceVersion: '1', buildTimestamp: '', reportVersion: '1.1' },
    timeUnixNano: BigInt(RECEIVED) * 1_000_000n,
    flows,
    processStats: {},
    counters: {},
    ...over,
  };
}

function decode(bytes: Uint8Array, over: Partial<AcceptedReport> = {}): DecodedReport {
  const body = Buffer.from(bytes);
  const accepted: AcceptedReport = {
    owner: { account: '123456789012', region: 'us-east-1' },
    receivedAtMillis: RECEIVED,
    signedAtMillis: RECEIVED,
    encoding: 'identity',
    signature: '',
    body,
    ...over,
  };
  return decodeAccepted(accepted, body, { retentionSeconds: RETENTION_SECONDS });
}

const decodeFlows = (...flows: readonly ReportedFlow[]) => decode(encodeReport(reportOf(flows)));

/**
 * Replaces text in an encoded report with text of the same length, so that its frames stay valid.
 */
function replaced(bytes: Uint8Array, from: string, to: string): Buffer {
  const text = Buffer.from(bytes).toString('latin1');
  expect([text.includes(from), to.length]).toEqual([true, from.length]);
  return Buffer.from(text.replaceAll(from, to), 'latin1');
}

const withValue = (index: number, value: number): ReportedFlow => {
  const made = flow();
  made.values[index] = value;
  return made;
};

const UINT32 = 2 ** 32 - 1;
const rtt = (part: 'count' | 'max' | 'sum') => timingIndex('rtt_us', part);

describe('a flow is not stored, and the rest of its report is, for', () => {
  test.each([
    { reason: 'address', name: 'no address', bad: flow({ remoteAddress: '10.0.1' }) },
    { reason: 'address', name: 'an octet beyond 255', bad: flow({ localAddress: '10.0.0.256' }) },
    { reason: 'address', name: 'an empty address', bad: flow({ localAddress: '' }) },
    { reason: 'address-kind', name: 'IPv4 multicast', bad: flow({ remoteAddress: '224.0.0.1' }) },
    { reason: 'address-kind', name: 'IPv6 multicast', bad: flow({ remoteAddress: 'ff02::1' }) },
    { reason: 'address-kind', name: 'IPv4 any', bad: flow({ localAddress: '0.0.0.0' }) },
    { reason: 'address-kind', name: 'IPv6 any', bad: flow({ localAddress: '::' }) },
    { reason: 'port', name: 'no port', bad: flow({ servicePort: 0 }) },
    { reason: 'port', name: 'a port beyond 65535', bad: flow({ servicePort: 65_536 }) },
    { reason: 'port', name: 'a negative port', bad: flow({ servicePort: -1 }) },
    {
      reason: 'value',
      name: 'a negative count',
      bad: withValue(plainIndex('retrans_est'), -1),
    },
    {
      reason: 'value',
      name: 'a count beyond its column',
      bad: withValue(plainIndex('retrans_est'), UINT32 + 1),
    },
    {
      reason: 'value',
      name: 'bytes beyond what is exact',
      bad: withValue(plainIndex('bytes_received'), 2 ** 53),
    },
    { reason: 'value', name: 'no number', bad: withValue(rtt('sum'), Number.NaN) },
    {
      reason: 'value',
      name: 'an infinite one',
      bad: withValue(rtt('sum'), Number.POSITIVE_INFINITY),
    },
  ] as const)('$reason: $name', ({ reason, bad }) => {
    const { flows, refused } = decodeFlows(flow(), bad, flow());
    expect([flows.length, [...refused]]).toEqual([2, [[reason, 1]]]);
  });

  test('protocol: any but TCP', () => {
    const { flows, refused } = decode(
      replaced(encodeReport(reportOf([flow(), flow()])), 'TCP', 'UDP'),
    );
    expect([flows.length, [...refused]]).toEqual([0, [['protocol', 2]]]);
  });

  test('malformed: bytes that are not a flow, up to the end of the flow', () => {
    const bytes = Buffer.from(
      encodeReport(reportOf([flow(), flow({ servicePort: 8443 }), flow()])),
    );
    const at = bytes.lastIndexOf('bytes_received', bytes.lastIndexOf('bytes_received') - 1);
    // The length of the metric's name exceeds the flow.
    bytes.writeUInt8(0x7f, at - 1);
    bytes.fill(0xff, at, at + 14);
    const { flows, refused } = decode(bytes);
    expect([...refused]).toEqual([['malformed', 1]]);
    expect(flows.map(({ servicePort }) => servicePort)).toEqual([443, 443]);
  });

  test('too-many: after the 100,000th', () => {
    const one = Buffer.from(encodeReport(reportOf([flow({ values: emptyValues() })])));
    // Protobuf concatenates repeated messages of one request.
    const { flows, refused } = decode(Buffer.concat(Array.from({ length: 100_003 }, () => one)));
    expect([flows.length, [...refused]]).toEqual([100_000, [['too-many', 3]]]);
  }, 30_000);
});

describe('addresses are canonical', () => {
  test.each([
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8::0:0:1', '2001:db8::1'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['::FFFF:0a01:0203', '10.1.2.3'],
    ['fe80::1%eth0', 'fe80::1'],
  ])('%s is %s', (given, canonical) => {
    const [first] = decodeFlows(flow({ remoteAddress: given })).flows;
    expect(first?.remoteAddress).toBe(canonical);
  });
});

describe('the side of a flow', () => {
  /** An encoded report whose flow has these two ports: both set, or neither. */
  const portsOf = (local: number, remote: number): Buffer => {
    const bytes = Buffer.from(encodeReport(reportOf([flow({ servicePort: 1 })])));
    for (const [name, port] of [
      ['local_port', local],
      ['remote_port', remote],
    ] as const) {
      // The key, then the tag and length of the value, and the tag of `int_value` before its byte.
      const at = bytes.indexOf(name) + name.length + 3;
      expect(bytes[at - 1]).toBe(0x18);
      bytes.writeUInt8(port, at);
    }
    return bytes;
  };

  test.each([
    { name: 'only the remote port: client', local: 0, remote: 80, side: 'client', port: 80 },
    { name: 'only the local port: server', local: 80, remote: 0, side: 'server', port: 80 },
    { name: 'both: client of the remote one', local: 99, remote: 80, side: 'client', port: 80 },
  ])('$name', ({ local, remote, side, port }) => {
    const [first] = decode(portsOf(local, remote)).flows;
    expect([first?.side, first?.servicePort]).toEqual([side, port]);
  });
});

describe('the time of a report', () => {
  const timeAt = (offsetMillis: number) => BigInt(RECEIVED + offsetMillis) * 1_000_000n;
  const decodeAt = (reportMillis: number, signedMillis = 0) =>
    decode(encodeReport(reportOf([flow(), flow()], { timeUnixNano: timeAt(reportMillis) })), {
      signedAtMillis: RECEIVED + signedMillis,
    });
  const seconds = (offsetMillis: number) => Math.floor((RECEIVED + offsetMillis) / 1000);

  test.each([
    { name: "is the agent's", report: -1_000, signed: 0, time: -1_000 },
    {
      name: 'is left as it is while the clocks differ by no more than 5 s',
      report: 4_000,
      signed: 5_000,
      time: 4_000,
    },
    {
      name: 'is moved back with a clock that is ahead',
      report: 600_000,
      signed: 600_500,
      time: -500,
    },
    {
      name: 'is moved on with a clock that is behind',
      report: -600_500,
      signed: -600_000,
      time: -500,
    },
    {
      name: 'of a spooled report stays as much older',
      report: -3_600_000,
      signed: 60_000,
      time: -3_660_000,
    },
  ])('$name', ({ report, signed, time }) => {
    const decoded = decodeAt(report, signed);
    expect([decoded.timeSeconds, decoded.flows.length]).toEqual([seconds(time), 2]);
  });

  test.each([
    { name: 'a minute ahead is taken', at: 60_000, refused: [] },
    { name: 'more than a minute ahead is not', at: 60_001, refused: [['time-ahead', 2]] },
    { name: 'as old as rows are kept is taken', at: -RETENTION_SECONDS * 1000, refused: [] },
    {
      name: 'older than rows are kept is not',
      at: -RETENTION_SECONDS * 1000 - 1,
      refused: [['time-expired', 2]],
    },
    { name: 'none is not', at: -RECEIVED, refused: [['time-expired', 2]] },
  ])('$name', ({ at, refused }) => {
    const decoded = decodeAt(at);
    expect([[...decoded.refused], decoded.flows.length]).toEqual([
      refused,
      refused.length > 0 ? 0 : 2,
    ]);
  });

  test('does not depend on when it is read', () => {
    const bytes = encodeReport(reportOf([flow()], { timeUnixNano: timeAt(-5_000) }));
    expect(decode(bytes)).toEqual(decode(bytes));
  });
});

describe('values', () => {
  test('are rounded down', () => {
    const [first] = decodeFlows(withValue(rtt('sum'), 1234.9)).flows;
    expect(first?.values[rtt('sum')]).toBe(1234);
  });

  test('that a report omits are 0 when related ones are present, and otherwise unknown', () => {
    const values = emptyValues();
    expect(decodeFlows(flow({ values })).flows[0]?.values).toEqual(values);
    values.fill(0, plainIndex('busy_us'), plainIndex('segments_ce') + 1);
    expect(decodeFlows(flow({ values })).flows[0]?.values).toEqual(values);
  });

  test('may be as wide as their columns', () => {
    const made = flow();
    made.values[plainIndex('retrans_est')] = UINT32;
    made.values[plainIndex('bytes_received')] = Number.MAX_SAFE_INTEGER;
    expect([...(decodeFlows(made).flows[0]?.values ?? [])]).toEqual([...made.values]);
  });
});

test.each([
  { name: 'neither', nat: {} },
  { name: 'the local', nat: { snatAddress: '192.0.2.1' } },
  { name: 'the remote', nat: { dnatAddress: '10.0.3.1' } },
  { name: 'both', nat: { snatAddress: '192.0.2.1', dnatAddress: '10.0.3.1' } },
])("of a flow's addresses $name may be translated", ({ nat }) => {
  const none = { snatAddress: undefined, dnatAddress: undefined };
  const addresses = { localAddress: '10.0.0.1', remoteAddress: '10.0.1.1' };
  expect(decodeFlows(flow(nat)).flows[0]).toMatchObject({ ...addresses, ...none, ...nat });
});

test('a flow has its process and cgroup, with long names cut', () => {
  const [first] = decodeFlows(flow({ processName: 'nginx', cgroup: '/x'.repeat(200) })).flows;
  expect(first).toMatchObject({ processName: 'nginx', cgroup: '/x'.repeat(128) });
});

describe('the sums of cut flows', () => {
  const remainder = { side: 'client', hint: 'private', flows: 3, values: flow().values } as const;
  const decodeCut = (over: Partial<Remainder> = {}) =>
    decode(encodeReport(reportOf([flow()], { remainders: [{ ...remainder, ...over }] })));

  test('are kept beside the flows', () => {
    const { flows, remainders } = decodeCut();
    expect(flows).toHaveLength(1);
    expect(remainders).toEqual([remainder]);
  });

  test.each([
    { name: 'another side', over: { side: 'both' as 'client' } },
    { name: 'another hint', over: { hint: 'mars' as 'global' } },
    { name: 'no flows', over: { flows: 0 } },
    { name: 'a negative count', over: { values: withValue(0, -1).values } },
  ])('is refused and counted with $name', ({ over }) => {
    const { remainders, refused } = decodeCut(over);
    expect(remainders).toEqual([]);
    expect([...refused]).toEqual([['remainder', 1]]);
  });
});

describe('the counters of a network card', () => {
  const decodeCards = (hostStats: Report['hostStats']) =>
    decode(encodeReport(reportOf([flow()], { hostStats })));

  test('are kept with the id of the card, as far as they are known', () => {
    const values = { bw_out_allowance_exceeded: 918, rx_dropped: 0 };
    const { hostStats, flows } = decodeCards([
      { interfaceId: 'eni-1', values: { ...values, queue_9_tx_cnt: 7 } },
      { interfaceId: 'eni-2', values: { tx_dropped: 1 } },
    ]);
    expect(hostStats).toEqual([
      { interfaceId: 'eni-1', values },
      { interfaceId: 'eni-2', values: { tx_dropped: 1 } },
    ]);
    expect(flows).toHaveLength(1);
  });

  test.each([
    { name: 'no card', card: { interfaceId: '', values: { rx_dropped: 1 } } },
    { name: 'counters nobody knows', card: { interfaceId: 'eni-1', values: { cats: 1 } } },
    { name: 'a negative count', card: { interfaceId: 'eni-1', values: { rx_dropped: -1 } } },
    {
      name: 'more than a double counts',
      card: { interfaceId: 'eni-1', values: { rx_dropped: 2 ** 54 } },
    },
  ])('is refused and counted with $name, and the flows are kept', ({ card }) => {
    const { hostStats, refused, flows } = decodeCards([card]);
    expect(hostStats).toEqual([]);
    expect([...refused]).toEqual([['host-stats', 1]]);
    expect(flows).toHaveLength(1);
  });

  test('are dropped for more cards than any instance has', () => {
    const cards = Array.from({ length: 70 }, (_, i) => ({
      interfaceId: `eni-${i}`,
      values: { rx_dropped: i },
    }));
    expect(decodeCards(cards).hostStats).toEqual(cards.slice(0, 64));
  });
});

test('pods and services are named, with long names cut', () => {
  const pods = {
    localPodName: 'cart-7f',
    localPodNamespace: 'shop',
    localServiceName: 'x'.repeat(300),
    remotePodName: '',
    remotePodNamespace: '',
    remoteServiceName: '',
  };
  const [first, second] = decodeFlows(flow({ pods }), flow()).flows;
  expect(first?.pods).toEqual({ ...pods, localServiceName: 'x'.repeat(256) });
  expect(second?.pods).toBeUndefined();
});

describe('the host', () => {
  const hostOf = (host: Partial<HostDescription>) => {
    const whole = { instanceId: 'i-1', instanceType: 't', machineId: 'm', interfaces: [], ...host };
    return decode(encodeReport(reportOf([], { host: whole }))).host;
  };

  test('has the description that it reports', () => {
    const host: HostDescription = {
      instanceId: 'i-0123456789abcdef0',
      instanceType: 'c7g.large',
      machineId: 'ab12',
      hostName: 'web-1',
      imageId: 'ami-0123456789abcdef0',
      network: 'default',
      zone: 'use1-az1',
      interfaces: [
        { name: 'eth0', kind: 'link', address: '10.0.0.1', prefixLength: 24 },
        { name: 'lo', kind: 'loopback', address: '::1', prefixLength: 128 },
      ],
      defaultRoute: '10.0.0.254 eth0',
      cards: [{ id: 'eni-1', mac: '02:00:00:00:00:01', subnetId: 'subnet-1', vpcId: 'vpc-1' }],
    };
    expect(hostOf(host)).toMatchObject(host);
  });

  test.each(['instance_id', 'instance-id'])('may spell its key %s', (spelling) => {
    const bytes = encodeReport(reportOf([flow()]));
    expect(decode(replaced(bytes, 'instance-id', spelling)).host.instanceId).toBe('i-1');
  });

  test.each([
    { name: 'a prefix longer than the address', text: { address: '10.0.0.1', prefixLength: 33 } },
    { name: 'no address', text: { address: 'here', prefixLength: 24 } },
    { name: 'another kind', text: { kind: 'wormhole' as 'link' } },
    { name: 'a name of two words', text: { name: 'eth 0' } },
  ])('an interface with $name is left out, the others stay', ({ text }) => {
    const good = { name: 'eth0', kind: 'link', address: '10.0.0.1', prefixLength: 24 } as const;
    expect(hostOf({ interfaces: [{ ...good, ...text }, good] }).interfaces).toEqual([good]);
  });

  test('a card with a missing part is dropped, and the others are kept', () => {
    const good = { id: 'eni-1', mac: '02:00:00:00:00:01', subnetId: 'subnet-1', vpcId: 'vpc-1' };
    expect(hostOf({ cards: [{ ...good, id: 'eni 1' }, good] }).cards).toEqual([good]);
  });

  test('has no more than 1,024 addresses', () => {
    const interfaces = Array.from({ length: 1_100 }, (_, i) => ({
      name: `eth${i}`,
      kind: 'link' as const,
      address: `10.0.${i >> 8}.${i & 255}`,
      prefixLength: 24,
    }));
    expect(hostOf({ interfaces }).interfaces).toEqual(interfaces.slice(0, 1024));
  });
});
