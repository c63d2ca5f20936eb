import { expect, test } from 'vitest';
import { plainIndex, timingIndex, VALUES_LENGTH } from '../../model/flow-metrics.ts';
import type { Report } from '../../model/report.ts';
import { reportLine } from './report-line.ts';

test('a report is one line of JSON, with values by their names and exact numbers', () => {
  const values = new Float64Array(VALUES_LENGTH);
  values[plainIndex('bytes_received')] = Number.MAX_SAFE_INTEGER;
  values[plainIndex('rtos_est')] = Number.NaN;
  values[timingIndex('rtt_us', 'max')] = 71;
  const report: Report = {
    host: { instanceId: 'i-1', instanceType: '', machineId: 'm', interfaces: [] },
    agent: { serviceName: 's', serviceVersion: '1', buildTimestamp: '', reportVersion: '1.1' },
    identity: { runId: 'run', sequence: 3 },
    timeUnixNano: 1_796_000_000_123_456_789n,
    flows: [
      {
        ...{ side: 'client', localAddress: '10.0.0.1', remoteAddress: '10.0.0.2' },
        ...{ servicePort: 443, values },
      },
    ],
    processStats: { cpu_util: 0.25 },
    counters: { flows_cut: 1 },
  };
  const line = reportLine(report);
  expect(line).not.toContain('\n');
  const { flows, ...rest } = JSON.parse(line);
  expect(rest).toEqual({
    time: '2026-11-30T00:53:20.123Z',
    timeUnixNano: '1796000000123456789',
    host: report.host,
    agent: report.agent,
    identity: { runId: 'run', sequence: 3 },
    processStats: { cpu_util: 0.25 },
    counters: { flows_cut: 1 },
    remainders: [],
  });
  expect(flows[0]).toMatchObject({
    ...{ side: 'client', localAddress: '10.0.0.1', remoteAddress: '10.0.0.2', servicePort: 443 },
    ...{ bytes_received: 9007199254740991, bytes_delivered: 0, rtt_us_max: 71 },
  });
  expect(flows[0]).not.toHaveProperty('values');
  expect(flows[0]).not.toHaveProperty('rtos_est');
});
