import { expect, test } from 'vitest';
import { inProcessTransport } from '../../test/in-process-api.ts';
import { memoryApi } from '../api/testing.ts';
import { Throttle } from '../api/throttle.ts';
import { FakeClock } from '../lib/clock.ts';
import { Metrics } from '../lib/metrics.ts';
import { NetworkFlowMonitorClient } from './network-flow-monitor-client.ts';

test('throttled calls succeed with the standard retries of the client', async () => {
  const clock = new FakeClock(1_000_000);
  const metrics = new Metrics();
  const throttle = new Throttle({ clock, metrics, perSecond: { read: 1 }, burstSeconds: 1 });
  const waits: number[] = [];
  const client = new NetworkFlowMonitorClient({
    transport: inProcessTransport(memoryApi({ throttle })),
    random: () => 0.5,
    sleep: async (millis) => {
      waits.push(millis);
      clock.advance(millis);
    },
  });
  for (let i = 0; i < 5; i += 1) expect(await client.listScopes()).toEqual({ scopes: [] });
  expect(waits).toHaveLength(4);
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(1_000);
  expect(await metrics.value('nfm_api_throttled_total', { class: 'read' })).toBe(4);
});
