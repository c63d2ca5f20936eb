import { addressText } from '../../model/address.ts';

/** "GATEWAY INTERFACE" of the IPv4 default route in the text of /proc/net/route, or undefined. */
export function defaultRouteV4(text: string): string | undefined {
  const routes = rows(text).flatMap(([name = '', destination, gateway = '', , , , metric, mask]) =>
    destination === '00000000' && mask === '00000000' && gateway !== '00000000'
      ? [{ name, gateway: hexToV4(gateway), metric: Number(metric) }]
      : [],
  );
  return minMetric(routes);
}

/** "GATEWAY INTERFACE" of the IPv6 default route in the text of /proc/net/ipv6_route, or undefined. */
export function defaultRouteV6(text: string): string | undefined {
  const zero = '0'.repeat(32);
  const routes = rows(text).flatMap((row) => {
    const [destination, length, , , gateway = zero, metric = ''] = row;
    const name = row[9] ?? '';
    if (destination !== zero || length !== '00' || gateway === zero || name === 'lo') return [];
    const bytes = Uint8Array.from(Buffer.from(gateway, 'hex'));
    return [{ name, gateway: addressText(bytes), metric: Number.parseInt(metric, 16) }];
  });
  return minMetric(routes);
}

interface DefaultRoute {
  readonly name: string;
  readonly gateway: string;
  readonly metric: number;
}

function minMetric(routes: readonly DefaultRoute[]): string | undefined {
  const [best] = routes.toSorted((a, b) => a.metric - b.metric);
  return best === undefined ? undefined : `${best.gateway} ${best.name}`;
}

function rows(text: string): string[][] {
  return text.split('\n').map((line) => line.trim().split(/\s+/));
}

/** The kernel prints the address as one number in host order, which is little-endian. */
function hexToV4(hex: string): string {
  return [...Buffer.from(hex, 'hex')].toReversed().join('.');
}
