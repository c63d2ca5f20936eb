import {
  DescribeAvailabilityZonesCommand,
  EC2Client,
  paginateDescribeEgressOnlyInternetGateways,
  paginateDescribeInstances,
  paginateDescribeInternetGateways,
  paginateDescribeNatGateways,
  paginateDescribeNetworkInterfaces,
  paginateDescribeRouteTables,
  paginateDescribeSubnets,
  paginateDescribeTransitGatewayAttachments,
  paginateDescribeTransitGatewayPeeringAttachments,
  paginateDescribeTransitGatewayRouteTables,
  paginateDescribeTransitGateways,
  paginateDescribeTransitGatewayVpcAttachments,
  paginateDescribeVpcEndpoints,
  paginateDescribeVpcPeeringConnections,
  paginateDescribeVpcs,
  paginateGetManagedPrefixListEntries,
  paginateSearchTransitGatewayRoutes,
  type RouteTable,
  type TransitGatewayAttachment,
  type TransitGatewayRoute,
  type TransitGatewayRouteTable,
} from '@aws-sdk/client-ec2';
import type { ScopeTarget } from '../../../model/scope.ts';
import type { Resource } from '../../graph/resource.ts';
import type { SliceContent } from '../slice-reader.ts';
import {
  balancerResource,
  instanceResource,
  interfaceResource,
  subnetResource,
  vpcResource,
  zoneResource,
} from './network-resources.ts';
import {
  customerPrefixLists,
  egressOnlyGatewayResource,
  endpointResource,
  internetGatewayResource,
  natGatewayInterfaces,
  natGatewayResource,
  peeringResource,
  routeTableResource,
} from './route-resources.ts';
import { type AwsAccess, targetCredentials } from './target-credentials.ts';
import { targetError } from './target-error.ts';
import {
  attachmentResource,
  transitGatewayResource,
  transitPeeringResource,
  transitRouteTableResource,
} from './transit-resources.ts';

/** The reading of a larger target fails, because the graph keeps all resources in memory. */
const MAX_RESOURCES = 1_000_000;

/**
 * Reads all resources of an account in a Region from EC2, page by page.
 *
 * @throws Error for people, with the target and the call that failed
 */
export async function readTarget(
  target: ScopeTarget,
  access: AwsAccess,
  signal: AbortSignal,
): Promise<SliceContent> {
  const client = new EC2Client({
    region: target.region,
    credentials: await targetCredentials(target, access),
    // EC2 throttles bursts (RequestLimitExceeded), and a reading every 5 minutes has time to retry.
    maxAttempts: 8,
    requestHandler: { connectionTimeout: 5_000, requestTimeout: 60_000 },
    ...(access.endpoint !== undefined && { endpoint: access.endpoint }),
  });
  const reading = new Reading(target, client, signal);
  try {
    reading.add({ kind: 'account', id: target.account }, { kind: 'region', id: target.region });
    const zoneIds = await readZones(reading);
    await readNetworks(reading);
    await readInstances(reading, zoneIds);
    await readInterfaces(reading, await readGateways(reading));
    await readRouteTables(reading);
    await readTransitGateways(reading);
    return { resources: reading.resources, warnings: [] };
  } finally {
    client.destroy();
  }
}

/** Collects the resources of one target. */
class Reading {
  readonly resources: Resource[] = [];
  readonly target: ScopeTarget;
  readonly client: EC2Client;
  /** The first argument of a paginator. Most calls return up to 1,000 items per page. */
  readonly paging: { readonly client: EC2Client; readonly pageSize: number };
  readonly options: { readonly abortSignal: AbortSignal };

  constructor(target: ScopeTarget, client: EC2Client, signal: AbortSignal) {
    this.target = target;
    this.client = client;
    this.paging = { client, pageSize: 1000 };
    this.options = { abortSignal: signal };
  }

  add(...resources: readonly (Resource | undefined)[]): void {
    for (const resource of resources) if (resource !== undefined) this.resources.push(resource);
    if (this.resources.length > MAX_RESOURCES) {
      const { account, region } = this.target;
      throw new Error(`account ${account} (${region}) has more than ${MAX_RESOURCES} resources`);
    }
  }

  /** Handles the pages of a call one by one. An error names the call. */
  async each<Page>(
    action: string,
    pages: AsyncIterable<Page>,
    take: (page: Page) => void,
  ): Promise<void> {
    try {
      for await (const page of pages) take(page);
    } catch (cause) {
      throw targetError(this.target, `ec2:${action}`, cause);
    }
  }
}

/** Returns zone ids by name, because instances have only the name. */
async function readZones(reading: Reading): Promise<ReadonlyMap<string, string>> {
  const { target, client, options } = reading;
  // Includes zones the account has not opted in to: a subnet there may be shared with it.
  const command = new DescribeAvailabilityZonesCommand({ AllAvailabilityZones: true });
  const { AvailabilityZones: zones = [] } = await client.send(command, options).catch((cause) => {
    throw targetError(target, 'ec2:DescribeAvailabilityZones', cause);
  });
  reading.add(...zones.map(zoneResource));
  return new Map(zones.map(({ ZoneName = '', ZoneId = '' }) => [ZoneName, ZoneId]));
}

async function readNetworks(reading: Reading): Promise<void> {
  const { target, paging, options } = reading;
  await reading.each('DescribeVpcs', paginateDescribeVpcs(paging, {}, options), (page) =>
    reading.add(...(page.Vpcs ?? []).map((vpc) => vpcResource(target, vpc))),
  );
  await reading.each('DescribeSubnets', paginateDescribeSubnets(paging, {}, options), (page) =>
    reading.add(...(page.Subnets ?? []).map((subnet) => subnetResource(target, subnet))),
  );
  const peerings = paginateDescribeVpcPeeringConnections(paging, {}, options);
  await reading.each('DescribeVpcPeeringConnections', peerings, (page) =>
    reading.add(...(page.VpcPeeringConnections ?? []).map((one) => peeringResource(target, one))),
  );
}

async function readInstances(
  reading: Reading,
  zoneIds: ReadonlyMap<string, string>,
): Promise<void> {
  const { target, paging, options } = reading;
  const pages = paginateDescribeInstances(paging, {}, options);
  await reading.each('DescribeInstances', pages, ({ Reservations: reservations = [] }) => {
    const instances = reservations.flatMap(({ Instances: members = [] }) => members);
    reading.add(...instances.map((instance) => instanceResource(target, instance, zoneIds)));
  });
}

/** Returns the gateway or endpoint of each interface that one lists, by interface id. */
async function readGateways(reading: Reading): Promise<ReadonlyMap<string, string>> {
  const { target, paging, options } = reading;
  const owners = new Map<string, string>();
  const nats = paginateDescribeNatGateways(paging, {}, options);
  await reading.each('DescribeNatGateways', nats, ({ NatGateways: gateways = [] }) => {
    reading.add(...gateways.map((gateway) => natGatewayResource(target, gateway)));
    for (const [id, owner] of gateways.flatMap(natGatewayInterfaces)) owners.set(id, owner);
  });
  const endpoints = paginateDescribeVpcEndpoints(paging, {}, options);
  await reading.each('DescribeVpcEndpoints', endpoints, ({ VpcEndpoints: found = [] }) => {
    reading.add(...found.map((endpoint) => endpointResource(target, endpoint)));
    for (const { VpcEndpointId: owner = '', NetworkInterfaceIds: ids = [] } of found) {
      for (const id of ids) owners.set(id, owner);
    }
  });
  const gateways = paginateDescribeInternetGateways(paging, {}, options);
  await reading.each('DescribeInternetGateways', gateways, (page) =>
    reading.add(
      ...(page.InternetGateways ?? []).map((one) => internetGatewayResource(target, one)),
    ),
  );
  const egressOnly = paginateDescribeEgressOnlyInternetGateways(
    { ...paging, pageSize: 255 },
    {},
    options,
  );
  await reading.each('DescribeEgressOnlyInternetGateways', egressOnly, (page) => {
    const found = page.EgressOnlyInternetGateways ?? [];
    reading.add(...found.map((one) => egressOnlyGatewayResource(target, one)));
  });
  return owners;
}

async function readInterfaces(
  reading: Reading,
  owners: ReadonlyMap<string, string>,
): Promise<void> {
  const { target, paging, options } = reading;
  const balancers = new Map<string, Resource>();
  const pages = paginateDescribeNetworkInterfaces(paging, {}, options);
  await reading.each('DescribeNetworkInterfaces', pages, ({ NetworkInterfaces: found = [] }) => {
    reading.add(...found.map((one) => interfaceResource(target, one, owners)));
    for (const one of found) {
      const balancer = balancerResource(target, one);
      if (balancer !== undefined) balancers.set(balancer.id, balancer);
    }
  });
  reading.add(...balancers.values());
}

async function readRouteTables(reading: Reading): Promise<void> {
  const { target, paging, options } = reading;
  const tables: RouteTable[] = [];
  const pages = paginateDescribeRouteTables({ ...paging, pageSize: 100 }, {}, options);
  await reading.each('DescribeRouteTables', pages, (page) => {
    tables.push(...(page.RouteTables ?? []));
  });
  const prefixLists = new Map<string, string[]>();
  for (const list of new Set(tables.flatMap(customerPrefixLists))) {
    const prefixes: string[] = [];
    const entries = paginateGetManagedPrefixListEntries(
      { ...paging, pageSize: 100 },
      { PrefixListId: list },
      options,
    );
    await reading.each('GetManagedPrefixListEntries', entries, (page) => {
      prefixes.push(...(page.Entries ?? []).flatMap(({ Cidr: cidr }) => cidr ?? []));
    });
    prefixLists.set(list, prefixes);
  }
  reading.add(...tables.map((table) => routeTableResource(target, table, prefixLists)));
}

async function readTransitGateways(reading: Reading): Promise<void> {
  const { target, paging, options } = reading;
  const gateways = paginateDescribeTransitGateways(paging, {}, options);
  await reading.each('DescribeTransitGateways', gateways, (page) =>
    reading.add(...(page.TransitGateways ?? []).map((one) => transitGatewayResource(target, one))),
  );
  const attachments = await readAttachments(reading);
  const tables: TransitGatewayRouteTable[] = [];
  const pages = paginateDescribeTransitGatewayRouteTables(paging, {}, options);
  await reading.each('DescribeTransitGatewayRouteTables', pages, (page) => {
    tables.push(...(page.TransitGatewayRouteTables ?? []));
  });
  for (const table of tables) {
    const routes = await readTransitRoutes(reading, table);
    reading.add(transitRouteTableResource(target, table, { attachments, routes }));
  }
}

async function readAttachments(reading: Reading): Promise<readonly TransitGatewayAttachment[]> {
  const { target, paging, options } = reading;
  const subnetIds = new Map<string, readonly string[]>();
  const ofVpcs = paginateDescribeTransitGatewayVpcAttachments(paging, {}, options);
  await reading.each('DescribeTransitGatewayVpcAttachments', ofVpcs, (page) => {
    for (const {
      TransitGatewayAttachmentId: id = '',
      SubnetIds: ids = [],
    } of page.TransitGatewayVpcAttachments ?? []) {
      subnetIds.set(id, ids);
    }
  });
  const attachments: TransitGatewayAttachment[] = [];
  const all = paginateDescribeTransitGatewayAttachments(paging, {}, options);
  await reading.each('DescribeTransitGatewayAttachments', all, (page) => {
    attachments.push(...(page.TransitGatewayAttachments ?? []));
  });
  reading.add(...attachments.map((one) => attachmentResource(target, one, subnetIds)));
  const peerings = paginateDescribeTransitGatewayPeeringAttachments(paging, {}, options);
  await reading.each('DescribeTransitGatewayPeeringAttachments', peerings, (page) =>
    reading.add(...(page.TransitGatewayPeeringAttachments ?? []).map(transitPeeringResource)),
  );
  return attachments;
}

async function readTransitRoutes(
  reading: Reading,
  { TransitGatewayRouteTableId: id }: TransitGatewayRouteTable,
): Promise<readonly TransitGatewayRoute[]> {
  const routes: TransitGatewayRoute[] = [];
  const Filters = [{ Name: 'state', Values: ['active', 'blackhole'] }];
  const input = { TransitGatewayRouteTableId: id, Filters };
  const pages = paginateSearchTransitGatewayRoutes(reading.paging, input, reading.options);
  await reading.each('SearchTransitGatewayRoutes', pages, (page) => {
    routes.push(...(page.Routes ?? []));
  });
  return routes;
}
