import {
  DescribeAvailabilityZonesCommand,
  type DescribeEgressOnlyInternetGatewaysCommandOutput,
  type DescribeRouteTablesCommandOutput,
  EC2Client,
  type GetManagedPrefixListEntriesCommandOutput,
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
import { Ec2Reading, isParameterRefused, type Paging } from './ec2-reading.ts';
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
import {
  type AwsAccess,
  type CallContext,
  requestHandlerOf,
  type TargetCredentials,
  targetCredentials,
} from './target-credentials.ts';
import {
  attachmentResource,
  transitGatewayResource,
  transitPeeringResource,
  transitRouteTableResource,
} from './transit-resources.ts';

/** The time for a whole reading, however many pages it has. */
const READING_MILLIS = 900_000;

/**
 * Reads all resources of an account in a Region from EC2, page by page. A denied call leaves its
 * kinds unread, and the warnings name all denied calls. Every call has a deadline.
 *
 * @throws Error for people, with the target and the call that failed; InconclusiveError if a
 *   repetition may succeed
 */
export async function readTarget(
  target: ScopeTarget,
  access: AwsAccess,
  signal: AbortSignal,
): Promise<SliceContent> {
  // Ends the calls that are still running when the reading has failed.
  const end = new AbortController();
  const cut = AbortSignal.any([signal, end.signal, AbortSignal.timeout(READING_MILLIS)]);
  const context = { access, signal: cut };
  try {
    return await readWith(target, await targetCredentials(target, context), context);
  } finally {
    end.abort();
  }
}

async function readWith(
  target: ScopeTarget,
  credentials: TargetCredentials,
  context: CallContext,
): Promise<SliceContent> {
  const { access } = context;
  const client = new EC2Client({
    region: target.region,
    credentials,
    // EC2 throttles bursts (RequestLimitExceeded), and a reading every 5 minutes has time to retry.
    maxAttempts: 8,
    requestHandler: requestHandlerOf(access),
    ...(access.endpoint !== undefined && { endpoint: access.endpoint }),
  });
  const reading = new Ec2Reading(target, client, context);
  try {
    reading.add({ kind: 'account', id: target.account }, { kind: 'region', id: target.region });
    const zoneIds = await readZones(reading);
    await readNetworks(reading);
    await readInstances(reading, zoneIds);
    await readInterfaces(reading, await readGateways(reading));
    await readRouteTables(reading);
    await readTransitGateways(reading);
    return reading.content();
  } finally {
    client.destroy();
  }
}

/** Returns zone ids by name, because instances have only the name. */
async function readZones(reading: Ec2Reading): Promise<ReadonlyMap<string, string>> {
  const { client, options } = reading;
  const ids = new Map<string, string>();
  const describe = (AllAvailabilityZones?: boolean) =>
    reading.answer(
      client.send(new DescribeAvailabilityZonesCommand({ AllAvailabilityZones }), options),
    );
  await reading.attempt('DescribeAvailabilityZones', async () => {
    // Includes zones the account has not opted in to: a subnet there may be shared with it.
    const { AvailabilityZones: zones = [] } = await describe(true).catch((error) => {
      if (!isParameterRefused(error)) throw error;
      return describe();
    });
    reading.add(...zones.map(zoneResource));
    for (const { ZoneName = '', ZoneId = '' } of zones) ids.set(ZoneName, ZoneId);
  });
  return ids;
}

async function readNetworks(reading: Ec2Reading): Promise<void> {
  const { target, options } = reading;
  await reading.each(
    'DescribeVpcs',
    (paging: Paging) => paginateDescribeVpcs(paging, {}, options),
    (page) => reading.add(...(page.Vpcs ?? []).map((vpc) => vpcResource(target, vpc))),
  );
  await reading.each(
    'DescribeSubnets',
    (paging: Paging) => paginateDescribeSubnets(paging, {}, options),
    (page) => reading.add(...(page.Subnets ?? []).map((subnet) => subnetResource(target, subnet))),
  );
  const peerings = (paging: Paging) => paginateDescribeVpcPeeringConnections(paging, {}, options);
  await reading.each('DescribeVpcPeeringConnections', peerings, (page) =>
    reading.add(...(page.VpcPeeringConnections ?? []).map((one) => peeringResource(target, one))),
  );
}

async function readInstances(
  reading: Ec2Reading,
  zoneIds: ReadonlyMap<string, string>,
): Promise<void> {
  const { target, options } = reading;
  const pages = (paging: Paging) => paginateDescribeInstances(paging, {}, options);
  await reading.each('DescribeInstances', pages, ({ Reservations: reservations = [] }) => {
    const instances = reservations.flatMap(({ Instances: members = [] }) => members);
    reading.add(...instances.map((instance) => instanceResource(target, instance, zoneIds)));
  });
}

/** Returns the gateway or endpoint of each interface that one lists, by interface id. */
async function readGateways(reading: Ec2Reading): Promise<ReadonlyMap<string, string>> {
  const { target, options } = reading;
  const owners = new Map<string, string>();
  const nats = (paging: Paging) => paginateDescribeNatGateways(paging, {}, options);
  await reading.each('DescribeNatGateways', nats, ({ NatGateways: gateways = [] }) => {
    reading.add(...gateways.map((gateway) => natGatewayResource(target, gateway)));
    for (const [id, owner] of gateways.flatMap(natGatewayInterfaces)) owners.set(id, owner);
  });
  const endpoints = (paging: Paging) => paginateDescribeVpcEndpoints(paging, {}, options);
  await reading.each('DescribeVpcEndpoints', endpoints, ({ VpcEndpoints: found = [] }) => {
    reading.add(...found.map((endpoint) => endpointResource(target, endpoint)));
    for (const { VpcEndpointId: owner = '', NetworkInterfaceIds: ids = [] } of found) {
      for (const id of ids) owners.set(id, owner);
    }
  });
  const gateways = (paging: Paging) => paginateDescribeInternetGateways(paging, {}, options);
  await reading.each('DescribeInternetGateways', gateways, (page) =>
    reading.add(
      ...(page.InternetGateways ?? []).map((one) => internetGatewayResource(target, one)),
    ),
  );
  const egressOnly = (paging: Paging) =>
    paginateDescribeEgressOnlyInternetGateways(paging, {}, options);
  const takeEgressOnly = (page: DescribeEgressOnlyInternetGatewaysCommandOutput) => {
    const found = page.EgressOnlyInternetGateways ?? [];
    reading.add(...found.map((one) => egressOnlyGatewayResource(target, one)));
  };
  await reading.each('DescribeEgressOnlyInternetGateways', egressOnly, takeEgressOnly);
  return owners;
}

async function readInterfaces(
  reading: Ec2Reading,
  owners: ReadonlyMap<string, string>,
): Promise<void> {
  const { target, options } = reading;
  const balancers = new Map<string, Resource>();
  const pages = (paging: Paging) => paginateDescribeNetworkInterfaces(paging, {}, options);
  await reading.each('DescribeNetworkInterfaces', pages, ({ NetworkInterfaces: found = [] }) => {
    reading.add(...found.map((one) => interfaceResource(target, one, owners)));
    for (const one of found) {
      const balancer = balancerResource(target, one);
      if (balancer !== undefined) balancers.set(balancer.id, balancer);
    }
  });
  reading.add(...balancers.values());
}

async function readRouteTables(reading: Ec2Reading): Promise<void> {
  const { target, options } = reading;
  const tables: RouteTable[] = [];
  const pages = (paging: Paging) => paginateDescribeRouteTables(paging, {}, options);
  const take = ({ RouteTables: found = [] }: DescribeRouteTablesCommandOutput) => {
    tables.push(...found);
  };
  await reading.each('DescribeRouteTables', pages, take);
  const prefixLists = new Map<string, string[]>();
  for (const list of new Set(tables.flatMap(customerPrefixLists))) {
    const prefixes: string[] = [];
    const entries = (paging: Paging) =>
      paginateGetManagedPrefixListEntries(paging, { PrefixListId: list }, options);
    const takeEntries = ({ Entries: found = [] }: GetManagedPrefixListEntriesCommandOutput) => {
      prefixes.push(...found.flatMap(({ Cidr: cidr }) => cidr ?? []));
    };
    await reading.each('GetManagedPrefixListEntries', entries, takeEntries);
    prefixLists.set(list, prefixes);
  }
  reading.add(...tables.map((table) => routeTableResource(target, table, prefixLists)));
}

async function readTransitGateways(reading: Ec2Reading): Promise<void> {
  const { target, options } = reading;
  const gateways = (paging: Paging) => paginateDescribeTransitGateways(paging, {}, options);
  await reading.each('DescribeTransitGateways', gateways, (page) =>
    reading.add(...(page.TransitGateways ?? []).map((one) => transitGatewayResource(target, one))),
  );
  const attachments = await readAttachments(reading);
  const tables: TransitGatewayRouteTable[] = [];
  const pages = (paging: Paging) => paginateDescribeTransitGatewayRouteTables(paging, {}, options);
  await reading.each('DescribeTransitGatewayRouteTables', pages, (page) => {
    tables.push(...(page.TransitGatewayRouteTables ?? []));
  });
  for (const table of tables) {
    const routes = await readTransitRoutes(reading, table);
    reading.add(transitRouteTableResource(target, table, { attachments, routes }));
  }
}

async function readAttachments(reading: Ec2Reading): Promise<readonly TransitGatewayAttachment[]> {
  const { target, options } = reading;
  const subnetIds = new Map<string, readonly string[]>();
  const ofVpcs = (paging: Paging) =>
    paginateDescribeTransitGatewayVpcAttachments(paging, {}, options);
  await reading.each('DescribeTransitGatewayVpcAttachments', ofVpcs, (page) => {
    for (const {
      TransitGatewayAttachmentId: id = '',
      SubnetIds: ids = [],
    } of page.TransitGatewayVpcAttachments ?? []) {
      subnetIds.set(id, ids);
    }
  });
  const attachments: TransitGatewayAttachment[] = [];
  const all = (paging: Paging) => paginateDescribeTransitGatewayAttachments(paging, {}, options);
  await reading.each('DescribeTransitGatewayAttachments', all, (page) => {
    attachments.push(...(page.TransitGatewayAttachments ?? []));
  });
  reading.add(...attachments.map((one) => attachmentResource(target, one, subnetIds)));
  const peerings = (paging: Paging) =>
    paginateDescribeTransitGatewayPeeringAttachments(paging, {}, options);
  await reading.each('DescribeTransitGatewayPeeringAttachments', peerings, (page) =>
    reading.add(...(page.TransitGatewayPeeringAttachments ?? []).map(transitPeeringResource)),
  );
  return attachments;
}

async function readTransitRoutes(
  reading: Ec2Reading,
  { TransitGatewayRouteTableId: id }: TransitGatewayRouteTable,
): Promise<readonly TransitGatewayRoute[]> {
  const routes: TransitGatewayRoute[] = [];
  const Filters = [{ Name: 'state', Values: ['active', 'blackhole'] }];
  const input = { TransitGatewayRouteTableId: id, Filters };
  const pages = (paging: Paging) =>
    paginateSearchTransitGatewayRoutes(paging, input, reading.options);
  await reading.each('SearchTransitGatewayRoutes', pages, (page) => {
    routes.push(...(page.Routes ?? []));
  });
  return routes;
}
