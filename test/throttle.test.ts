import { expect, test } from 'vitest';
import { memoryApi } from '../src/api/testing.ts';
import { Throttle } from '../src/api/throttle.ts';
import { NetworkFlowMonitorClient } from '../src/client/network-flow-monitor-client.ts';
import { FakeClock } from '../src/lib/clock.ts';
import { Metrics } from '../src/lib/metrics.ts';
import { inProcessTransport } from './in-process-api.ts';

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
