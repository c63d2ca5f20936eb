import { expect, test } from 'vitest';
import { defaultRouteV4, defaultRouteV6 } from './default-route.ts';

const HEADER =
  'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n';

test('the IPv4 default route with the least metric wins', () => {
  const text = `${HEADER}wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n`;
  expect(defaultRouteV4(text)).toBe('192.0.2.1 eth0');
});

test('without an IPv4 default route there is none', () => {
  expect(
    defaultRouteV4(`${HEADER}eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n`),
  ).toBe(undefined);
  expect(defaultRouteV4('')).toBe(undefined);
});

test('the IPv6 default route is read, the unreachable one of lo is not', () => {
  const zero = '0'.repeat(32);
  const text = `${zero} 00 ${zero} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 eth0
${zero} 00 ${zero} 00 ${zero} ffffffff 00000001 00000000 00200200       lo\n`;
  expect(defaultRouteV6(text)).toBe('fe80::1 eth0');
});
