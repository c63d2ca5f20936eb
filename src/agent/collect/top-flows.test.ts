import { expect, test } from 'vitest';
import { type PlainMetric, plainIndex, VALUES_LENGTH } from '../../model/flow-metrics.ts';
import type { ReportedFlow } from '../../model/report.ts';
import { topFlows } from './top-flows.ts';

function flow(servicePort: number, given: Partial<Record<PlainMetric, number>>): ReportedFlow {
  const values = new Float64Array(VALUES_LENGTH);
  for (const [name, value] of Object.entries(given))
    values[plainIndex(name as PlainMetric)] = value;
  return { side: 'client', localAddress: '::1', remoteAddress: '::1', servicePort, values };
}

const flows = [
  flow(1, { bytes_received: 10 }),
  flow(2, { retrans_est: 3 }),
  flow(3, { rtos_close: 2 }),
  flow(4, { severed_connect: 1, bytes_delivered: 1 }),
  flow(5, { bytes_delivered: 6, bytes_received: 5 }),
];

test('those that lost most come first; of equals those with more bytes', () => {
  const ports = (limit: number) => topFlows(flows, limit).map(({ servicePort }) => servicePort);
  expect(ports(4)).toEqual([4, 3, 2, 5]);
  expect(ports(1)).toEqual([4]);
});

test('when all fit none is left out', () => {
  expect(topFlows(flows, 5)).toBe(flows);
});
