import type { TraversedConstruct } from '../../model/topology.ts';
import type {
  ResourceKind,
  ResourceOf,
  RouteEntry,
  RouteTableResource,
  RouteTargetKind,
  TransitGatewayRouteTableResource,
} from '../graph/resource.ts';
import type { Validity } from '../graph/validity.ts';
import { AddressRanges } from './address-ranges.ts';
import { ec2Construct, internetGatewayConstruct, transitPeeringConstruct } from './constructs.ts';
import type { Histories, History, Steps } from './histories.ts';
import { indexHistory } from './index-history.ts';
import { RouteCache } from './route-cache.ts';
import { type RouteTarget, Routing, subnetKey, type TransitGateway } from './routing.ts';
import { endpointServiceName } from './service-name.ts';
import { TimedMap } from './timed-map.ts';

/** The kinds whose changes can change a route. */
const ROUTING_KINDS = [
  'route-table',
  'transit-gateway',
  'transit-gateway-attachment',
  'transit-gateway-peering',
  'transit-gateway-route-table',
  'vpc-peering',
  'nat-gateway',
] as const satisfies readonly ResourceKind[];

export interface RoutingTables {
  readonly routing: Routing;
  readonly routeCache: RouteCache;
  /** Gateway endpoints by route table number, then by `regionalService`. */
  readonly serviceEndpoints: Map<number, TimedMap<TraversedConstruct>>;
}

/** Reads route tables, gateways and peerings. */
export class RoutingReader implements RoutingTables {
  readonly routing = new Routing();
  routeCache = new RouteCache(this.routing, new AddressRanges([]), []);
  readonly serviceEndpoints = new Map<number, TimedMap<TraversedConstruct>>();
  /** The number of each route table by id. */
  readonly #tables = new Map<string, number>();
  readonly #targets = new Map<string, number>();
  /** Attachments and tables of each transit gateway by id; all its versions share them. */
  readonly #gateways = new Map<string, Pick<TransitGateway, 'attachments' | 'tables'>>();

  *read(histories: Histories): Steps {
    const cidrsOf = histories.latest('vpc');
    yield* this.#readGateways(histories);
    yield* histories.eachHistory('route-table', (history) => {
      const vpcId = history[0]?.resource.vpcId ?? '';
      this.#readTable(history, cidrsOf.get(vpcId)?.cidrs ?? []);
    });
    yield* histories.eachHistory('transit-gateway-route-table', (history) =>
      this.#readTransitTable(history),
    );
    yield* histories.eachVersion('vpc-endpoint', (endpoint, validity) =>
      this.#readEndpoint(endpoint, validity),
    );
    yield* this.#readChanges(histories);
  }

  *#readChanges(histories: Histories): Steps {
    const changes = new Set<number>();
    for (const kind of ROUTING_KINDS) {
      yield* histories.eachVersion(kind, (_, { fromSeconds, toSeconds }) => {
        changes.add(fromSeconds).add(toSeconds);
      });
    }
    const ranges = new AddressRanges(this.routing.routes.prefixes());
    this.routeCache = new RouteCache(this.routing, ranges, changes);
  }

  *#readGateways(histories: Histories): Steps {
    yield* this.#readTransitGateways(histories);
    yield* this.#readAttachments(histories);
    yield* this.#readTransitPeerings(histories);
    const { peerings, natGateways } = this.routing;
    yield* histories.eachVersion('vpc-peering', ({ id, requester, accepter }, validity) => {
      const construct = ec2Construct(requester, 'vpc-peering-connection', id);
      const vpcIds = [requester.vpcId, accepter.vpcId] as const;
      peerings.add(id, { ...validity, value: { vpcIds, construct } });
    });
    yield* histories.eachVersion('nat-gateway', (nat, validity) => {
      const { id, vpcId, subnetId, publicAddresses, privateAddresses } = nat;
      const construct = ec2Construct(nat, 'natgateway', id);
      const address = publicAddresses[0] ?? privateAddresses[0] ?? '';
      natGateways.add(id, { ...validity, value: { vpcId, subnetId, construct, address } });
    });
  }

  #readTransitGateways(histories: Histories): Steps {
    const { transitGateways } = this.routing;
    return histories.eachVersion('transit-gateway', (gateway, validity) => {
      const { id } = gateway;
      const construct = ec2Construct(gateway, 'transit-gateway', id);
      transitGateways.add(id, { ...validity, value: { id, construct, ...this.#gateway(id) } });
    });
  }

  #readAttachments(histories: Histories): Steps {
    const { attachments } = this.routing;
    return histories.eachVersion('transit-gateway-attachment', (attachment, validity) => {
      const { id, transitGatewayId, attached, attachedId: vpcId, subnetIds = [] } = attachment;
      const construct = ec2Construct(attachment, 'transit-gateway-attachment', id);
      if (attached !== 'vpc') {
        attachments.add(id, { ...validity, value: { id, construct, to: { kind: 'outside' } } });
        return;
      }
      const to = { kind: 'vpc', vpcId, subnetId: subnetIds[0] ?? '' } as const;
      const value = { id, construct, to };
      attachments.add(id, { ...validity, value });
      this.#gateway(transitGatewayId).attachments.add(vpcId, { ...validity, value });
    });
  }

  #readTransitPeerings(histories: Histories): Steps {
    const { attachments } = this.routing;
    return histories.eachVersion('transit-gateway-peering', (peering, validity) => {
      const { id, requester, accepter } = peering;
      const transitGateways = [requester.transitGatewayId, accepter.transitGatewayId] as const;
      const construct = transitPeeringConstruct(requester, id);
      const to = { kind: 'peering', transitGateways } as const;
      attachments.add(id, { ...validity, value: { id, construct, to } });
    });
  }

  #readTable(history: History<'route-table'>, cidrs: readonly string[]): void {
    const { tableOfSubnet, mainTables, routes } = this.routing;
    const space = this.#number(history[0]?.resource.id ?? '');
    for (const { resource, ...times } of history) {
      for (const id of resource.subnetIds) {
        tableOfSubnet.add(subnetKey(resource.vpcId, id), { value: space, ...times });
      }
      if (resource.isMain) mainTables.add(resource.vpcId, { value: space, ...times });
    }
    indexHistory(routes, history, (table) => {
      const listed = new Set(table.routes.map(({ destination }) => destination));
      // Every route table routes the prefixes of its own network, listed or not.
      const local = cidrs
        .filter((destination) => !listed.has(destination))
        .map((destination): RouteEntry => ({ destination, target: 'local', targetId: '' }));
      return [...table.routes, ...local].map(({ destination: prefix, target, targetId }) => {
        return { space, prefix, value: this.#target(table, target, targetId) };
      });
    });
  }

  #readTransitTable(history: History<'transit-gateway-route-table'>): void {
    const space = this.#number(history[0]?.resource.id ?? '');
    for (const { resource, ...times } of history) {
      const { tables } = this.#gateway(resource.transitGatewayId);
      for (const id of resource.associations) tables.add(id, { value: space, ...times });
    }
    indexHistory(this.routing.routes, history, (table) =>
      table.routes.map(({ destination: prefix, attachmentId }) => {
        return { space, prefix, value: this.#target(table, 'attachment', attachmentId) };
      }),
    );
  }

  #readEndpoint(endpoint: ResourceOf<'vpc-endpoint'>, validity: Validity): void {
    if (endpoint.endpointType !== 'gateway') return;
    const value = ec2Construct(endpoint, 'vpc-endpoint', endpoint.id);
    const service = regionalService(endpointServiceName(endpoint.serviceName), endpoint.region);
    for (const id of endpoint.routeTableIds ?? []) {
      const table = this.#number(id);
      const known = this.serviceEndpoints.get(table) ?? new TimedMap<TraversedConstruct>();
      known.add(service, { ...validity, value });
      this.serviceEndpoints.set(table, known);
    }
  }

  #number(tableId: string): number {
    const known = this.#tables.get(tableId);
    if (known !== undefined) return known;
    const number = this.#tables.size;
    this.#tables.set(tableId, number);
    return number;
  }

  #target(
    owner: RouteTableResource | TransitGatewayRouteTableResource,
    kind: RouteTarget['kind'],
    id: string,
  ): number {
    const key = `${owner.account} ${owner.region} ${kind} ${id}`;
    const known = this.#targets.get(key);
    if (known !== undefined) return known;
    const number = this.routing.targets.length;
    const construct = targetConstruct(owner, kind, id);
    this.routing.targets.push(construct === undefined ? { kind, id } : { kind, id, construct });
    this.#targets.set(key, number);
    return number;
  }

  #gateway(id: string): Pick<TransitGateway, 'attachments' | 'tables'> {
    const known = this.#gateways.get(id);
    if (known !== undefined) return known;
    const made = { attachments: new TimedMap<never>(), tables: new TimedMap<number>() };
    this.#gateways.set(id, made);
    return made;
  }
}

/** The key of a service in a Region: a gateway endpoint is for its own Region's service only. */
export function regionalService(service: string, region: string): string {
  return `${service} ${region}`;
}

/** The construct of a target that needs no description; undefined for one that is looked up. */
function targetConstruct(
  owner: RouteTableResource | TransitGatewayRouteTableResource,
  kind: RouteTargetKind | 'attachment',
  id: string,
): TraversedConstruct | undefined {
  if (kind === 'internet-gateway') return internetGatewayConstruct(owner, id);
  if (kind === 'vpc-endpoint') return ec2Construct(owner, 'vpc-endpoint', id);
  if (kind === 'network-interface') return ec2Construct(owner, 'network-interface', id);
  return undefined;
}
