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
import { within } from '../../../lib/within.ts';
import type { ScopeTarget } from '../../../model/scope.ts';
import type { Resource, ResourceKind } from '../../graph/resource.ts';
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
import {
  type AwsAccess,
  type CallContext,
  callMillisOf,
  requestHandlerOf,
  type TargetCredentials,
  targetCredentials,
} from './target-credentials.ts';
import { deniedMessage, isDenied, targetError } from './target-error.ts';
import {
  attachmentResource,
  transitGatewayResource,
  transitPeeringResource,
  transitRouteTableResource,
} from './transit-resources.ts';

/** The reading of a larger target fails, because the graph keeps all resources in memory. */
const MAX_RESOURCES = 1_000_000;
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
  const reading = new Reading(target, client, context);
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

/** Without these calls nothing has a place, so a denial fails the reading. */
const ESSENTIAL = new Set(['ec2:DescribeVpcs', 'ec2:DescribeSubnets']);

/** The kinds of resources that a denied call leaves unread; other calls add details only. */
const KINDS_OF_ACTION: Readonly<Record<string, readonly ResourceKind[]>> = {
  'ec2:DescribeAvailabilityZones': ['zone'],
  'ec2:DescribeInstances': ['instance'],
  'ec2:DescribeNetworkInterfaces': ['network-interface', 'load-balancer'],
  'ec2:DescribeVpcPeeringConnections': ['vpc-peering'],
  'ec2:DescribeNatGateways': ['nat-gateway'],
  'ec2:DescribeVpcEndpoints': ['vpc-endpoint'],
  'ec2:DescribeInternetGateways': ['internet-gateway'],
  'ec2:DescribeRouteTables': ['route-table'],
  'ec2:GetManagedPrefixListEntries': ['route-table'],
  'ec2:DescribeTransitGateways': ['transit-gateway'],
  'ec2:DescribeTransitGatewayAttachments': [
    'transit-gateway-attachment',
    'transit-gateway-route-table',
  ],
  'ec2:DescribeTransitGatewayVpcAttachments': ['transit-gateway-attachment'],
  'ec2:DescribeTransitGatewayPeeringAttachments': ['transit-gateway-peering'],
  'ec2:DescribeTransitGatewayRouteTables': ['transit-gateway-route-table'],
  'ec2:SearchTransitGatewayRoutes': ['transit-gateway-route-table'],
};

/** Emulators of EC2 refuse parameters that they do not know with one of these codes. */
const PARAMETER_REFUSED =
  /^(?:InvalidParameter\w*|UnknownParameter|UnsupportedOperation|NotImplemented\w*)$/;

/** The first argument of a paginator. */
interface Paging {
  readonly client: EC2Client;
  readonly pageSize?: number;
}

/** The largest page of the calls that allow less than 1,000 items. */
const MAX_PAGE: Readonly<Record<string, number>> = {
  DescribeEgressOnlyInternetGateways: 255,
  DescribeRouteTables: 100,
  GetManagedPrefixListEntries: 100,
};

interface PageOfMany {
  readonly NextToken?: string | undefined;
}

/** Collects the resources of one target. */
class Reading {
  readonly resources: Resource[] = [];
  readonly target: ScopeTarget;
  readonly client: EC2Client;
  readonly options: { readonly abortSignal: AbortSignal };
  readonly #context: CallContext;
  /** The denied actions, such as `ec2:DescribeNatGateways`. */
  readonly #denied = new Set<string>();

  constructor(target: ScopeTarget, client: EC2Client, context: CallContext) {
    this.target = target;
    this.client = client;
    this.#context = context;
    this.options = { abortSignal: context.signal };
  }

  add(...resources: readonly (Resource | undefined)[]): void {
    for (const resource of resources) if (resource !== undefined) this.resources.push(resource);
    if (this.resources.length > MAX_RESOURCES) {
      const { account, region } = this.target;
      throw new Error(`account ${account} (${region}) has more than ${MAX_RESOURCES} resources`);
    }
  }

  /** @throws Error with all denied actions if an essential one is among them */
  content(): SliceContent {
    const denied = [...this.#denied];
    if (denied.length === 0) return { resources: this.resources, warnings: [] };
    const message = deniedMessage(this.target, denied);
    if (denied.some((action) => ESSENTIAL.has(action))) throw new Error(message);
    const unread = new Set(denied.flatMap((action) => KINDS_OF_ACTION[action] ?? []));
    return {
      resources: this.resources.filter(({ kind }) => !unread.has(kind)),
      warnings: [`${message}; nfm topology policy prints what the role needs`],
      unreadKinds: [...unread],
    };
  }

  /**
   * Handles the pages of a call one by one. A denied call is noted. If the first page is refused
   * because of its size, which is optional, asks again without one. An error names the call.
   */
  async each<Page extends PageOfMany>(
    action: string,
    pagesOf: (paging: Paging) => AsyncIterator<Page>,
    take: (page: Page) => void,
  ): Promise<void> {
    const { client } = this;
    const pageSize = MAX_PAGE[action] ?? 1000;
    await this.attempt(action, async () => {
      const refused = await this.#takeAll(pagesOf({ client, pageSize }), take).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (refused === undefined) return;
      if (!isParameterRefused(refused)) throw refused;
      await this.#takeAll(pagesOf({ client }), take);
    });
  }

  /** Makes a call. A denied call is noted; another error names the call. */
  async attempt(action: string, call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (cause) {
      if (!isDenied(cause)) throw targetError(this.target, `ec2:${action}`, cause);
      this.#denied.add(`ec2:${action}`);
    }
  }

  /** Waits for an answer until the deadline of a call. */
  answer<Value>(call: Promise<Value>): Promise<Value> {
    const { access, signal } = this.#context;
    return within(call, { millis: callMillisOf(access), signal });
  }

  async #takeAll<Page extends PageOfMany>(
    pages: AsyncIterator<Page>,
    take: (page: Page) => void,
  ): Promise<void> {
    const tokens = new Set<string>();
    for (;;) {
      const { done, value: page } = await this.answer(pages.next());
      if (done === true) return;
      const { NextToken: token = '' } = page;
      if (token !== '' && tokens.has(token)) throw new Error('the same page token came twice');
      tokens.add(token);
      take(page);
    }
  }
}

function isParameterRefused(cause: unknown): boolean {
  return cause instanceof Error && PARAMETER_REFUSED.test(cause.name);
}

/** Returns zone ids by name, because instances have only the name. */
async function readZones(reading: Reading): Promise<ReadonlyMap<string, string>> {
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

async function readNetworks(reading: Reading): Promise<void> {
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
  reading: Reading,
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
async function readGateways(reading: Reading): Promise<ReadonlyMap<string, string>> {
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
  reading: Reading,
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

async function readRouteTables(reading: Reading): Promise<void> {
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

async function readTransitGateways(reading: Reading): Promise<void> {
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

async function readAttachments(reading: Reading): Promise<readonly TransitGatewayAttachment[]> {
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
  reading: Reading,
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
