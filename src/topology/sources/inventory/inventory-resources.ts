import { stableId } from '../../../model/ids.ts';
import type { Resource, ZoneResource } from '../../graph/resource.ts';
import { internetGatewayId, linkResources, routeTables } from './inventory-routes.ts';
import {
  type PlacedHost,
  type PlacedInventory,
  type PlacedNetwork,
  textsOf,
} from './placed-inventory.ts';
import { PrefixMap } from './prefix-map.ts';

/** Converts a checked inventory to resources. */
export function inventoryResources(inventory: PlacedInventory): Resource[] {
  const { networks, links, services } = inventory;
  return [
    ...ownerResources(inventory),
    ...zoneResources(inventory),
    ...networks.flatMap((network) => [
      ...networkResources(network),
      ...hostResources(network),
      ...gatewayResources(network),
      ...routeTables(inventory, network),
    ]),
    ...links.flatMap((link) => linkResources(inventory, link)),
    ...services.flatMap(({ of, region, prefixes }) =>
      textsOf(prefixes).map((prefix) => ({
        kind: 'service-prefix' as const,
        id: `${of.name} ${region} ${prefix}`,
        prefix,
        service: of.name,
        region,
        networkBorderGroup: region,
      })),
    ),
  ];
}

function ownerResources({ owner, networks }: PlacedInventory): Resource[] {
  const owners = [owner, ...networks.map((network) => network.owner)];
  const accounts = new Set(owners.map(({ account }) => account));
  const regions = new Set(owners.map(({ region }) => region));
  return [
    ...[...accounts].map((id) => ({ kind: 'account' as const, id })),
    ...[...regions].map((id) => ({ kind: 'region' as const, id })),
  ];
}

/** The listed zones, and those that only subnets name. */
function zoneResources({ of, owner, networks }: PlacedInventory): ZoneResource[] {
  const zones = new Map<string, ZoneResource>();
  for (const { id, name, type = 'availability' } of of.zones ?? []) {
    zones.set(id, { kind: 'zone', id, name, region: owner.region, zoneType: type });
  }
  for (const network of networks) {
    const { region } = network.owner;
    for (const { zone: id } of network.subnets.map((subnet) => subnet.of)) {
      if (id === undefined || zones.has(id)) continue;
      zones.set(id, { kind: 'zone', id, region, zoneType: 'availability' });
    }
  }
  return [...zones.values()];
}

function networkResources({ of, id, owner, prefixes, subnets }: PlacedNetwork): Resource[] {
  const { name, tags, sharedWith } = of;
  return [
    { kind: 'vpc', id, name, ...owner, tags, cidrs: textsOf(prefixes), sharedWith },
    ...subnets.map((subnet) => ({
      kind: 'subnet' as const,
      id: subnet.id,
      name: subnet.of.name,
      ...owner,
      tags: subnet.of.tags,
      vpcId: id,
      cidrs: textsOf(subnet.prefixes),
      zoneId: subnet.of.zone,
    })),
  ];
}

interface Place {
  readonly subnetId: string;
  readonly zoneId: string | undefined;
}

/** An instance for each host, with an interface in each subnet that has an address of it. */
function hostResources(network: PlacedNetwork): Resource[] {
  const places = new PrefixMap<Place>();
  for (const { id: subnetId, of, prefixes } of network.subnets) {
    for (const { text } of prefixes) places.set(text, { subnetId, zoneId: of.zone });
  }
  const owned = { ...network.owner, vpcId: network.id };
  return network.hosts.flatMap((host) => {
    const first = places.find(host.addresses[0]?.text ?? '');
    const { name, tags, image, instanceType, nodePool } = host.of;
    const traits = { imageId: image, instanceType, nodePool };
    return [
      { kind: 'instance', id: host.id, name, ...owned, tags, ...first, ...traits },
      ...hostInterfaces(host, places).map((one) => ({ ...one, ...owned })),
    ];
  });
}

/** The first interface of a host has its public addresses. */
function hostInterfaces(host: PlacedHost, places: PrefixMap<Place>) {
  const bySubnet = new Map<string, string[]>();
  for (const { text } of host.addresses) {
    const subnetId = places.find(text)?.subnetId ?? '';
    bySubnet.set(subnetId, [...(bySubnet.get(subnetId) ?? []), text]);
  }
  return [...bySubnet].map(([subnetId, addresses], i) => ({
    kind: 'network-interface' as const,
    id: stableId('eni', host.id, subnetId),
    subnetId: subnetId || undefined,
    addresses,
    publicAddresses: i === 0 ? textsOf(host.publicAddresses) : [],
    instanceId: host.id,
  }));
}

function gatewayResources(network: PlacedNetwork): Resource[] {
  const { of, id: vpcId, owner, natGateways } = network;
  const nats = natGateways.flatMap((gateway): Resource[] => {
    const subnet = network.subnets.find(({ of: one }) => one.name === gateway.of.subnet);
    const place = { ...owner, vpcId, subnetId: subnet?.id ?? '' };
    const addresses = textsOf(gateway.addresses);
    const publicAddresses = textsOf(gateway.publicAddresses);
    const { id } = gateway;
    return [
      {
        kind: 'nat-gateway',
        id,
        name: gateway.of.name,
        ...place,
        privateAddresses: addresses,
        publicAddresses,
      },
      {
        kind: 'network-interface',
        id: stableId('eni', id),
        ...place,
        addresses,
        publicAddresses,
        ownerId: id,
      },
    ];
  });
  if (of.internetGateway === undefined) return nats;
  const id = internetGatewayId(network);
  return [
    { kind: 'internet-gateway', id, name: of.internetGateway, ...owner, vpcIds: [vpcId] },
    ...nats,
  ];
}
