import { expect, test } from 'vitest';
import { driverStatistics } from './ethtool.ts';

test('a device without a driver, or none at all, has no counters', () => {
  expect(driverStatistics('no-such-device')).toBe(undefined);
  expect(driverStatistics('lo')?.values.size ?? 0).toBe(0);
});
