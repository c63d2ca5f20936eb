import { stableId } from '../../../model/ids.ts';
import type { Resource, RouteEntry, RouteTableResource } from '../../graph/resource.ts';
import { BLACKHOLE } from './check-inventory.ts';
import {
  type PlacedInventory,
  type PlacedLink,
  type PlacedNetwork,
  type PlacedRoute,
  textsOf,
} from './placed-inventory.ts';

/** The main table of a network, and a table for each subnet with routes of its own. */
export function routeTables(
  inventory: PlacedInventory,
  network: PlacedNetwork,
): RouteTableResource[] {
  const implied = impliedRoutes(inventory, network);
  const table = (routedId: string, subnetIds: string[], own: readonly PlacedRoute[]) => {
    const written = own.map((route) => routeOf(inventory, network, route));
    const destinations = new Set(written.map(({ destination }) => destination));
    const rest = implied.filter(({ destination }) => !destinations.has(destination));
    return {
      kind: 'route-table' as const,
      id: stableId('rtb', routedId),
      ...network.owner,
      vpcId: network.id,
      isMain: routedId === network.id,
      subnetIds,
      routes: [...written, ...rest],
    };
  };
  return [
    table(network.id, [], network.routes),
    ...network.subnets.flatMap(({ id, routes }) => {
      return routes === undefined ? [] : [table(id, [id], routes)];
    }),
  ];
}

/** Routes to the network itself, and over its links to the networks at their other ends. */
function impliedRoutes({ links, networks }: PlacedInventory, network: PlacedNetwork): RouteEntry[] {
  const local = textsOf(network.prefixes).map((destination): RouteEntry => {
    return { destination, target: 'local', targetId: '' };
  });
  const beyond = links
    .filter(({ of }) => of.networks.includes(network.of.name))
    .flatMap((link) =>
      networks
        .filter((other) => other !== network && link.of.networks.includes(other.of.name))
        .flatMap((other) => textsOf(other.prefixes))
        .map((destination) => ({ destination, ...targetOf(link) })),
    );
  return [...local, ...beyond];
}

function routeOf(
  { links }: PlacedInventory,
  network: PlacedNetwork,
  { to, via }: PlacedRoute,
): RouteEntry {
  if (via === BLACKHOLE) return { destination: to, target: 'blackhole', targetId: '' };
  if (via === network.of.internetGateway) {
    return { destination: to, target: 'internet-gateway', targetId: internetGatewayId(network) };
  }
  const nat = network.natGateways.find(({ of }) => of.name === via);
  if (nat !== undefined) return { destination: to, target: 'nat-gateway', targetId: nat.id };
  const link = links.find(({ of }) => of.name === via);
  if (link === undefined)
    throw new Error(`inventory was not checked: unknown route target "${via}"`);
  return { destination: to, ...targetOf(link) };
}

function targetOf({ of, id }: PlacedLink): Pick<RouteEntry, 'target' | 'targetId'> {
  return { target: of.kind === 'peering' ? 'vpc-peering' : 'transit-gateway', targetId: id };
}

export function internetGatewayId(network: PlacedNetwork): string {
  return stableId('igw', network.id);
}

/** A peering, or a transit gateway with one table that routes to all networks of the link. */
export function linkResources(inventory: PlacedInventory, link: PlacedLink): Resource[] {
  const { of, id } = link;
  const joined = inventory.networks.filter((network) => of.networks.includes(network.of.name));
  if (of.kind === 'peering') {
    const [requester, accepter] = joined.map((network) => ({
      ...network.owner,
      vpcId: network.id,
    }));
    if (requester === undefined || accepter === undefined) return [];
    return [{ kind: 'vpc-peering', id, name: of.name, requester, accepter }];
  }
  const { owner } = inventory;
  const ends = joined.map((network) => ({ network, id: stableId('tgw-attach', id, network.id) }));
  return [
    { kind: 'transit-gateway', id, name: of.name, ...owner },
    ...ends.map((end) => ({
      kind: 'transit-gateway-attachment' as const,
      id: end.id,
      ...end.network.owner,
      transitGatewayId: id,
      attached: 'vpc' as const,
      attachedId: end.network.id,
    })),
    {
      kind: 'transit-gateway-route-table',
      id: stableId('tgw-rtb', id),
      ...owner,
      transitGatewayId: id,
      associations: ends.map((end) => end.id),
      routes: ends.flatMap((end) =>
        textsOf(end.network.prefixes).map((destination) => ({ destination, attachmentId: end.id })),
      ),
    },
  ];
}
