import type { TraversedConstruct } from '../../model/topology.ts';
import type { RouteTargetKind } from '../graph/resource.ts';
import type { BinaryAddress } from './binary-address.ts';
import { PrefixIndex } from './prefix-index.ts';
import { TimedMap } from './timed-map.ts';

export interface RouteTarget {
  readonly kind: RouteTargetKind | 'attachment';
  readonly id: string;
  /** The construct that traffic passes; absent when it is looked up by id and time. */
  readonly construct?: TraversedConstruct;
}

export interface TransitGateway {
  readonly id: string;
  readonly construct: TraversedConstruct;
  /** Its attachments by the id of the attached network. */
  readonly attachments: TimedMap<Attachment>;
  /** The route table for traffic from each attachment, by attachment id. */
  readonly tables: TimedMap<number>;
}

export interface Attachment {
  readonly id: string;
  readonly construct: TraversedConstruct;
  readonly to:
    | { readonly kind: 'vpc'; readonly vpcId: string; readonly subnetId: string }
    | { readonly kind: 'peering'; readonly transitGateways: readonly [string, string] }
    /** A VPN or direct connection: nothing is known beyond it. */
    | { readonly kind: 'outside' };
}

export interface Peering {
  readonly vpcIds: readonly [string, string];
  readonly construct: TraversedConstruct;
}

export interface NatGateway {
  readonly vpcId: string;
  readonly subnetId: string;
  readonly construct: TraversedConstruct;
  /** The source address after translation. */
  readonly address: string;
}

/** How a route ends. */
export type RouteEnd =
  /** In the network that has the address. */
  | 'network'
  | 'internet'
  /** Beyond a transit gateway, where nothing is known. */
  | 'transit-gateway'
  /** At a gateway beyond which nothing is known, at a blackhole, or without a route. */
  | 'elsewhere'
  /** No route table of the network is known. */
  | 'unknown';

/** Follows the routes of a time from a subnet to an address. */
export class Routing {
  /** The routes of all tables, of networks and of transit gateways. A space is a table number. */
  readonly routes = new PrefixIndex((a, b) => this.#idOf(a) < this.#idOf(b));
  readonly targets: RouteTarget[] = [];
  /** By `subnetKey`, so that a subnet id in another network leads to no table. */
  readonly tableOfSubnet = new TimedMap<number>();
  readonly mainTables = new TimedMap<number>();
  readonly transitGateways = new TimedMap<TransitGateway>();
  readonly attachments = new TimedMap<Attachment>();
  readonly peerings = new TimedMap<Peering>();
  readonly natGateways = new TimedMap<NatGateway>();

  walk(from: RouteStart, address: BinaryAddress, timeSeconds: number): Route {
    const route = new Route(from.vpcId, timeSeconds);
    let table = this.tableAt(from.vpcId, from.subnetId, timeSeconds);
    if (table === NO_TABLE) route.end = 'unknown';
    // A table visited again means a loop. The route ends there, after the gateways of the loop.
    const visited = new Set<number>();
    while (table !== NO_TABLE && !visited.has(table)) {
      visited.add(table);
      const target = this.targets[this.routes.find(table, address, timeSeconds)];
      table = target === undefined ? NO_TABLE : this.#step(route, target);
    }
    return route;
  }

  /** The number of a subnet's route table; NO_TABLE when none is known. */
  tableAt(vpcId: string, subnetId: string, timeSeconds: number): number {
    return (
      this.tableOfSubnet.at(subnetKey(vpcId, subnetId), timeSeconds) ??
      this.mainTables.at(vpcId, timeSeconds) ??
      NO_TABLE
    );
  }

  /** Takes one step. Returns the table of the next step, or NO_TABLE at the end. */
  #step(route: Route, target: RouteTarget): number {
    switch (target.kind) {
      case 'local':
        return route.endIn(route.vpcId);
      case 'vpc-peering':
        return this.#throughPeering(route, target.id);
      case 'transit-gateway':
        return this.#intoTransitGateway(route, target.id);
      case 'attachment':
        return this.#outOfTransitGateway(route, target.id);
      case 'nat-gateway':
        return this.#throughNat(route, target.id);
      case 'internet-gateway':
        route.end = 'internet';
        return route.pass(target.construct);
      case 'vpc-endpoint':
      case 'network-interface':
      case 'other':
      case 'blackhole':
        return route.pass(target.construct);
      default:
        throw new Error(`no route through ${String(target.kind satisfies never)}`);
    }
  }

  #throughPeering(route: Route, id: string): number {
    const peering = this.peerings.at(id, route.timeSeconds);
    if (peering === undefined) return NO_TABLE;
    const [requester, accepter] = peering.vpcIds;
    if (route.vpcId !== requester && route.vpcId !== accepter) return NO_TABLE;
    route.pass(peering.construct);
    return route.endIn(route.vpcId === requester ? accepter : requester);
  }

  #intoTransitGateway(route: Route, id: string): number {
    const gateway = this.transitGateways.at(id, route.timeSeconds);
    route.end = 'transit-gateway';
    if (gateway === undefined) return NO_TABLE;
    const attachment = gateway.attachments.at(route.vpcId, route.timeSeconds);
    if (attachment !== undefined) route.pass(attachment.construct);
    route.enter(gateway);
    if (attachment === undefined) return NO_TABLE;
    return gateway.tables.at(attachment.id, route.timeSeconds) ?? NO_TABLE;
  }

  #outOfTransitGateway(route: Route, id: string): number {
    const attachment = this.attachments.at(id, route.timeSeconds);
    route.end = 'transit-gateway';
    if (attachment === undefined) return NO_TABLE;
    route.pass(attachment.construct);
    const { to } = attachment;
    if (to.kind === 'outside') return NO_TABLE;
    if (to.kind === 'vpc') {
      route.end = 'elsewhere';
      route.vpcId = to.vpcId;
      const table = this.tableAt(to.vpcId, to.subnetId, route.timeSeconds);
      return table === NO_TABLE ? route.endIn(to.vpcId) : table;
    }
    const [one, other] = to.transitGateways;
    const next = this.transitGateways.at(
      route.transitGateway?.id === one ? other : one,
      route.timeSeconds,
    );
    if (next === undefined) return NO_TABLE;
    route.enter(next);
    return next.tables.at(id, route.timeSeconds) ?? NO_TABLE;
  }

  #throughNat(route: Route, id: string): number {
    const nat = this.natGateways.at(id, route.timeSeconds);
    if (nat === undefined) return NO_TABLE;
    route.pass(nat.construct);
    route.snatAddress = nat.address;
    route.vpcId = nat.vpcId;
    return this.tableAt(nat.vpcId, nat.subnetId, route.timeSeconds);
  }

  #idOf(target: number): string {
    return this.targets[target]?.id ?? '';
  }
}

export function subnetKey(vpcId: string, subnetId: string): string {
  return `${vpcId} ${subnetId}`;
}

/** No route table: none is known, or the route has ended. */
export const NO_TABLE = -1;

export interface RouteStart {
  readonly vpcId: string;
  /** "" when it is unknown. */
  readonly subnetId: string;
}

/** A route through the network. While it is walked, it holds the part walked so far. */
export class Route {
  /** The constructs it passes, in order. */
  readonly hops: TraversedConstruct[] = [];
  end: RouteEnd = 'elsewhere';
  /** The network that the route has reached; with the end `network`, the one with the address. */
  vpcId: string;
  /** The time whose routes it follows, in seconds since 1970. */
  readonly timeSeconds: number;
  /** The last transit gateway on the route. */
  transitGateway: TransitGateway | undefined = undefined;
  snatAddress = '';

  constructor(vpcId: string, timeSeconds: number) {
    this.vpcId = vpcId;
    this.timeSeconds = timeSeconds;
  }

  pass(construct: TraversedConstruct | undefined): number {
    if (construct !== undefined) this.hops.push(construct);
    return NO_TABLE;
  }

  enter(gateway: TransitGateway): void {
    this.transitGateway = gateway;
    this.pass(gateway.construct);
  }

  endIn(vpcId: string): number {
    this.end = 'network';
    this.vpcId = vpcId;
    return NO_TABLE;
  }
}
