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
export type WayEnd =
  /** In a network, whose own address it is. */
  | 'network'
  | 'internet'
  /** Behind a transit gateway, where nothing is known. */
  | 'transit-gateway'
  /** At a gateway behind which nothing is known, or nowhere: a blackhole, no route. */
  | 'elsewhere'
  /** The network has no route table that is known. */
  | 'unknown';

/** Walks the routes of a time from a subnet to an address. One walk at a time: the way is reused. */
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
  /** Owned by `walk`, lent to who called it last. */
  readonly #way = new Way();

  /**
   * The way to an address; it counts until the next walk. The same once more costs nothing: an
   * address is looked up, and then its path is asked for.
   */
  walk(from: WayStart, address: AddressWords, timeSeconds: number): Way {
    const way = this.#way;
    if (way.isFrom(from, address, timeSeconds)) return way;
    way.begin(from, address, timeSeconds);
    way.table = this.tableAt(from.vpcId, from.subnetId, timeSeconds);
    if (way.table === NO_TABLE) way.end = 'unknown';
    // A table met again routes in a circle: the gateways it goes around are all there is.
    while (way.table !== NO_TABLE && !way.isKnown(way.table)) {
      const target = this.targets[this.routes.find(way.table, address, timeSeconds)];
      way.table = target === undefined ? NO_TABLE : this.#step(way, target);
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
  #step(way: Way, target: RouteTarget): number {
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

  #throughPeering(way: Way, id: string): number {
    const peering = this.peerings.at(id, way.timeSeconds);
    if (peering === undefined) return NO_TABLE;
    const [requester, accepter] = peering.vpcIds;
    if (way.vpcId !== requester && way.vpcId !== accepter) return NO_TABLE;
    way.pass(peering.construct);
    return way.endIn(way.vpcId === requester ? accepter : requester);
  }

  #intoTransitGateway(way: Way, id: string): number {
    const gateway = this.transitGateways.at(id, way.timeSeconds);
    way.end = 'transit-gateway';
    if (gateway === undefined) return NO_TABLE;
    const attachment = gateway.attachments.at(way.vpcId, way.timeSeconds);
    if (attachment !== undefined) way.pass(attachment.construct);
    way.enter(gateway);
    if (attachment === undefined) return NO_TABLE;
    return gateway.tables.at(attachment.id, way.timeSeconds) ?? NO_TABLE;
  }

  #outOfTransitGateway(way: Way, id: string): number {
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

  #throughNat(way: Way, id: string): number {
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

export interface WayStart {
  readonly vpcId: string;
  /** "" when it is not known. */
  readonly subnetId: string;
}

/** A way through the network, as far as it has been walked. */
export class Way {
  /** What it has passed; of the array only so many count, as making it shorter gives its memory back. */
  readonly #hops: TraversedConstruct[] = [];
  #hopCount = 0;
  /** Before any. */
  timeSeconds = -1;
  end: WayEnd = 'elsewhere';
  /** The network it is in now; at the end 'network', whose address it is. */
  vpcId = '';
  /** The transit gateway it passed last. */
  transitGateway: TransitGateway | undefined;
  snatAddress = '';
  table = NO_TABLE;
  readonly #tables: number[] = [];
  #tableCount = 0;
  #fromVpc = '';
  #fromSubnet = '';
  readonly #address = new Uint32Array(4);

  isFrom({ vpcId, subnetId }: WayStart, { words }: AddressWords, timeSeconds: number): boolean {
    const address = this.#address;
    return (
      address[3] === words[3] &&
      timeSeconds === this.timeSeconds &&
      subnetId === this.#fromSubnet &&
      vpcId === this.#fromVpc &&
      address[2] === words[2] &&
      address[1] === words[1] &&
      address[0] === words[0]
    );
  }

  begin({ vpcId, subnetId }: WayStart, { words }: AddressWords, timeSeconds: number): void {
    this.#fromVpc = vpcId;
    this.#fromSubnet = subnetId;
    for (let i = 0; i < 4; i += 1) this.#address[i] = words[i] as number;
    this.#hopCount = 0;
    this.#tableCount = 0;
    this.timeSeconds = timeSeconds;
    this.end = 'elsewhere';
    this.vpcId = vpcId;
    this.transitGateway = undefined;
    this.snatAddress = '';
  }

  get hops(): readonly TraversedConstruct[] {
    return this.#hops.slice(0, this.#hopCount);
  }

  /** Whether a table decided a step before; it counts as one from now on. */
  isKnown(table: number): boolean {
    for (let i = 0; i < this.#tableCount; i += 1) if (this.#tables[i] === table) return true;
    this.#tables[this.#tableCount] = table;
    this.#tableCount += 1;
    return false;
  }

  pass(construct: TraversedConstruct | undefined): number {
    if (construct === undefined) return NO_TABLE;
    this.#hops[this.#hopCount] = construct;
    this.#hopCount += 1;
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
