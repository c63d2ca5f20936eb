import { expect, test } from 'vitest';
import { driverStatistics } from './ethtool.ts';

test('a device without a driver has no counters, nor has a missing device', () => {
  expect(driverStatistics('no-such-device')).toBe(undefined);
  expect(driverStatistics('lo')?.values.size ?? 0).toBe(0);
});
