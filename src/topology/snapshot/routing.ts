import type { TraversedConstruct } from '../../model/topology.ts';
import type { RouteTargetKind } from '../graph/resource.ts';
import type { AddressWords } from './address-words.ts';
import { PrefixIndex } from './prefix-index.ts';
import { TimedMap } from './timed-map.ts';

export interface RouteTarget {
  readonly kind: RouteTargetKind | 'attachment';
  readonly id: string;
  /** What traffic passes there; absent where it is looked up by id and time. */
  readonly construct?: TraversedConstruct;
}

export interface TransitGateway {
  readonly id: string;
  readonly construct: TraversedConstruct;
  /** Its attachments by the id of the attached network. */
  readonly attachments: TimedMap<Attachment>;
  /** The route table of each attachment's traffic. */
  readonly tables: TimedMap<number>;
}

export interface Attachment {
  readonly id: string;
  readonly construct: TraversedConstruct;
  readonly to:
    | { readonly kind: 'vpc'; readonly vpcId: string; readonly subnetId: string }
    | { readonly kind: 'peering'; readonly transitGateways: readonly [string, string] }
    /** A VPN, a direct connection: nothing is known of what lies behind. */
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
  /** What it makes of the sender's address. */
  readonly address: string;
}

/** Where a way ends. */
export type RouteEnd =
  /** In a network, whose own address it is. */
  | 'network'
  | 'internet'
  /** Behind a transit gateway, where nothing is known. */
  | 'transit-gateway'
  /** At a gateway behind which nothing is known, or nowhere: a blackhole, no route. */
  | 'elsewhere'
  /** The network has no route table that is known. */
  | 'unknown';

/** Walks the routes of a time from a subnet to an address. */
export class Routing {
  /** Routes of all tables, of networks and transit gateways alike; its spaces are their numbers. */
  readonly routes = new PrefixIndex((a, b) => this.#idOf(a) < this.#idOf(b));
  readonly targets: RouteTarget[] = [];
  readonly tableOfSubnet = new TimedMap<number>();
  readonly mainTables = new TimedMap<number>();
  readonly transitGateways = new TimedMap<TransitGateway>();
  readonly attachments = new TimedMap<Attachment>();
  readonly peerings = new TimedMap<Peering>();
  readonly natGateways = new TimedMap<NatGateway>();

  walk(from: RouteStart, address: AddressWords, timeSeconds: number): Route {
    const way = new Route(from.vpcId, timeSeconds);
    let table = this.tableAt(from.vpcId, from.subnetId, timeSeconds);
    if (table === NO_TABLE) way.end = 'unknown';
    // A table met again routes in a circle: the gateways it goes around are all there is.
    const met = new Set<number>();
    while (table !== NO_TABLE && !met.has(table)) {
      met.add(table);
      const target = this.targets[this.routes.find(table, address, timeSeconds)];
      table = target === undefined ? NO_TABLE : this.#step(way, target);
    }
    return way;
  }

  /** The number of a subnet's route table; -1 when none is known. */
  tableAt(vpcId: string, subnetId: string, timeSeconds: number): number {
    return (
      this.tableOfSubnet.at(subnetId, timeSeconds) ??
      this.mainTables.at(vpcId, timeSeconds) ??
      NO_TABLE
    );
  }

  /** Goes one step; the table that decides the next, or none at the end. */
  #step(way: Route, target: RouteTarget): number {
    switch (target.kind) {
      case 'local':
        return way.endIn(way.vpcId);
      case 'vpc-peering':
        return this.#throughPeering(way, target.id);
      case 'transit-gateway':
        return this.#intoTransitGateway(way, target.id);
      case 'attachment':
        return this.#outOfTransitGateway(way, target.id);
      case 'nat-gateway':
        return this.#throughNat(way, target.id);
      case 'internet-gateway':
        way.end = 'internet';
        return way.pass(target.construct);
      case 'vpc-endpoint':
      case 'network-interface':
      case 'other':
      case 'blackhole':
        return way.pass(target.construct);
      default:
        throw new Error(`no way through ${String(target.kind satisfies never)}`);
    }
  }

  #throughPeering(way: Route, id: string): number {
    const peering = this.peerings.at(id, way.timeSeconds);
    if (peering === undefined) return NO_TABLE;
    const [requester, accepter] = peering.vpcIds;
    if (way.vpcId !== requester && way.vpcId !== accepter) return NO_TABLE;
    way.pass(peering.construct);
    return way.endIn(way.vpcId === requester ? accepter : requester);
  }

  #intoTransitGateway(way: Route, id: string): number {
    const gateway = this.transitGateways.at(id, way.timeSeconds);
    way.end = 'transit-gateway';
    if (gateway === undefined) return NO_TABLE;
    const attachment = gateway.attachments.at(way.vpcId, way.timeSeconds);
    if (attachment !== undefined) way.pass(attachment.construct);
    way.enter(gateway);
    if (attachment === undefined) return NO_TABLE;
    return gateway.tables.at(attachment.id, way.timeSeconds) ?? NO_TABLE;
  }

  #outOfTransitGateway(way: Route, id: string): number {
    const attachment = this.attachments.at(id, way.timeSeconds);
    way.end = 'transit-gateway';
    if (attachment === undefined) return NO_TABLE;
    way.pass(attachment.construct);
    const { to } = attachment;
    if (to.kind === 'outside') return NO_TABLE;
    if (to.kind === 'vpc') {
      way.end = 'elsewhere';
      way.vpcId = to.vpcId;
      const table = this.tableAt(to.vpcId, to.subnetId, way.timeSeconds);
      return table === NO_TABLE ? way.endIn(to.vpcId) : table;
    }
    const [one, other] = to.transitGateways;
    const next = this.transitGateways.at(
      way.transitGateway?.id === one ? other : one,
      way.timeSeconds,
    );
    if (next === undefined) return NO_TABLE;
    way.enter(next);
    return next.tables.at(id, way.timeSeconds) ?? NO_TABLE;
  }

  #throughNat(way: Route, id: string): number {
    const nat = this.natGateways.at(id, way.timeSeconds);
    if (nat === undefined) return NO_TABLE;
    way.pass(nat.construct);
    way.snatAddress = nat.address;
    way.vpcId = nat.vpcId;
    return this.tableAt(nat.vpcId, nat.subnetId, way.timeSeconds);
  }

  #idOf(target: number): string {
    return this.targets[target]?.id ?? '';
  }
}

export const NO_TABLE = -1;

export interface RouteStart {
  readonly vpcId: string;
  /** "" when it is not known. */
  readonly subnetId: string;
}

/** A way through the network; as far as it has been walked, while it is. */
export class Route {
  /** What it passes, in order. */
  readonly hops: TraversedConstruct[] = [];
  end: RouteEnd = 'elsewhere';
  /** The network it is in; at the end 'network', whose address it is. */
  vpcId: string;
  /** As of when it is walked. */
  readonly timeSeconds: number;
  /** The transit gateway it passed last. */
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
