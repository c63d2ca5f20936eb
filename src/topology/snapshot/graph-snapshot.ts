import { type AccountRelations, UNRELATED } from '../../model/account-relations.ts';
import { isLoopback } from '../../model/address.ts';
import type { PodNames } from '../../model/report.ts';
import type {
  FlowPath,
  InstanceRef,
  InstanceTraits,
  PathEnd,
  TraversedConstruct,
  Vantage,
} from '../../model/topology.ts';
import type { ResourceVersion } from '../graph/resource-version.ts';
import { BinaryAddress } from './binary-address.ts';
import { ec2Construct } from './constructs.ts';
import { Issues } from './find-issues.ts';
import { Histories, type Steps } from './histories.ts';
import { InstanceTables } from './instance-tables.ts';
import { endOf, type Place, placeBeyond } from './place.ts';
import { PlaceTables, PUBLIC_SPACE } from './place-tables.ts';
import { PodTables } from './pod-tables.ts';
import type { PrefixIndex } from './prefix-index.ts';
import { RoutingReader, regionalService } from './read-routing.ts';
import { NO_TABLE, type Route, type RouteStart } from './routing.ts';

/**
 * Lookup tables of the resource graph and its history. Immutable once made. Lookups do not
 * allocate: they return places that were made with the snapshot, and parse the address into a
 * reused buffer.
 *
 * A lookup for an account starts only in networks that the graph gives to the account: its own,
 * those in which it owns a subnet or an interface, and those of accounts that it administers. From
 * there it follows routes into the networks of other accounts. Agents cannot add a network.
 */
export class GraphSnapshot {
  readonly #places = new PlaceTables();
  readonly #pods = new PodTables(this.#places);
  readonly #instances = new InstanceTables();
  readonly #routingTables = new RoutingReader();
  readonly #internet = placeBeyond('internet');
  readonly #elsewhere = placeBeyond('nowhere known');
  readonly #transitGateways = new Map<TraversedConstruct | undefined, Place>();
  /** Contradictions and errors in the descriptions of sources. */
  readonly issues = new Issues();
  /** The address of the current lookup. */
  readonly #address = new BinaryAddress();
  /** Serves `pathOf`, which usually follows `locate` for the same address. */
  readonly #last = new LastLookup();
  /** Serves `here`, because flows come host by host. */
  readonly #lastHere = new LastLookup();
  readonly #relations: AccountRelations;
  /** Whether no lookup can find anything. */
  isEmpty = true;

  constructor(relations: AccountRelations = UNRELATED) {
    this.#relations = relations;
  }

  /** Makes a snapshot step by step, at the pace of the caller. */
  static *make(
    versions: Iterable<readonly ResourceVersion[]>,
    relations: AccountRelations = UNRELATED,
  ): Steps<GraphSnapshot> {
    const snapshot = new GraphSnapshot(relations);
    const histories = new Histories();
    yield* histories.read(versions);
    yield* snapshot.#places.read(histories);
    yield* snapshot.#pods.read(histories);
    yield* snapshot.#instances.read(histories);
    yield* snapshot.#routingTables.read(histories);
    yield* snapshot.issues.find(histories, snapshot.#places);
    const { networks, published } = snapshot.#places;
    snapshot.isEmpty = networks.size === 0 && published.size === 0;
    return snapshot;
  }

  /** Image, type and node pool of an account's instance at a time. */
  instance({ account, instanceId }: InstanceRef, timeSeconds: number): InstanceTraits {
    const isVisible = (owner: string) => this.#isSameOrAdministered(account, owner);
    return this.#instances.at(instanceId, timeSeconds, isVisible);
  }

  /** The place of an account's instance; undefined when no interface of it is known. */
  placeOfInstance({ account, instanceId }: InstanceRef): Place | undefined {
    const place = this.#places.placeOfInstance.get(instanceId);
    if (place === undefined) return undefined;
    return this.#isSameOrAdministered(account, place.account) ? place : undefined;
  }

  /** The zone of a subnet in a network that the account may use. */
  zoneOf(subnetId: string, account: string): string | undefined {
    const zoned = this.#places.zoneOf.get(subnetId);
    if (zoned === undefined) return undefined;
    return this.#networkOf(account, zoned.vpcId) === undefined ? undefined : zoned.zoneId;
  }

  /** The accounts that the graph gives a network to. */
  accountsOf(vpcId: string): ReadonlySet<string> | undefined {
    return this.#places.accountsOf[this.#places.networks.get(vpcId) ?? -1];
  }

  /** Whether hosts of the account may be in a network, by what the graph states. */
  mayUse(account: string, vpcId: string): boolean {
    return this.#networkOf(account, vpcId) !== undefined;
  }

  isLocalZone(zoneId: string): boolean {
    return this.#places.localZones.has(zoneId);
  }

  /** Looks an address up in one network, without following its routes. */
  here(address: string, { owner, vpcId, timeSeconds }: Vantage): Place | undefined {
    const last = this.#lastHere;
    const { account } = owner;
    if (last.isTo(address, { account, vpcId, subnetId: '' }, timeSeconds)) return last.place;
    const network = this.#networkOf(account, vpcId);
    if (network !== undefined) this.#address.read(address);
    const place = network === undefined ? undefined : this.#inNetwork(network, timeSeconds);
    return last.keep(place);
  }

  /**
   * Looks an address up in the network, then in the network that its routes lead to, then among
   * public addresses. If all fail, returns the exit that the routes lead to. Undefined when neither
   * the address nor the routes of the network are known.
   */
  locate(address: string, vantage: Vantage): Place | undefined {
    const { owner, vpcId, subnetId = '', timeSeconds } = vantage;
    return this.#locate(address, { account: owner.account, vpcId, subnetId }, timeSeconds);
  }

  /** Every network of all accounts that has the address, and its public owner. */
  everywhere(address: string, timeSeconds: number): readonly Place[] {
    this.#address.read(address);
    const networks = [...this.#places.networks.values()];
    const inNetworks = networks.flatMap((network) => this.#inNetwork(network, timeSeconds) ?? []);
    const inPublic = this.#publicPlace(timeSeconds, () => true);
    return inPublic === undefined ? inNetworks : [...inNetworks, inPublic];
  }

  /** The constructs from one end to the other, both ends included. */
  pathOf(from: PathEnd, to: PathEnd, timeSeconds: number): FlowPath {
    const remote = to.beyondNat || to.address;
    if (isLoopback(remote) || from.address === remote) return staysOnInstance(from);
    const here = this.#ownPlace(from, timeSeconds);
    const start = this.#startOf(from, here);
    const there = this.#locate(remote, start, timeSeconds);
    this.#address.read(remote);
    const route = this.#routingTables.routeCache.to(this.#address, start, timeSeconds);
    const endpoint = this.#serviceEndpoint(start, there, timeSeconds);
    const hops = endpoint === undefined ? route.hops : [endpoint];
    const constructs = joined(endWith(here, from), hops, endWith(there, to));
    const isTranslated = endpoint === undefined && !remote.includes(':');
    const isPublic = isTranslated && route.end === 'internet';
    return {
      constructs,
      snatAddress: (isTranslated && route.snatAddress) || (isPublic && here?.publicAddress) || '',
      dnatAddress: (isPublic && there?.privateAddress) || '',
    };
  }

  /**
   * The place of the near end. A container's address is in no network, so the address after the
   * host's translation is tried next.
   */
  #ownPlace(from: PathEnd, timeSeconds: number): Place | undefined {
    const { address, beyondNat = '', vpcId } = from;
    const vantage = { owner: from, vpcId, timeSeconds };
    const place = this.here(address, vantage);
    return place !== undefined || beyondNat === '' ? place : this.here(beyondNat, vantage);
  }

  /** The start of a route. In a network that its account may not use, no route is known. */
  #startOf({ account, vpcId, subnetId }: PathEnd, here: Place | undefined): LookupStart {
    if (this.#networkOf(account, vpcId) === undefined) return { account, vpcId: '', subnetId: '' };
    return { account, vpcId, subnetId: here?.subnet || subnetId };
  }

  podNamesOf(local: PathEnd, remoteAddress: string, timeSeconds: number): PodNames | undefined {
    if (this.#pods.isEmpty) return undefined;
    const network = this.#networkOf(local.account, local.vpcId);
    if (network === undefined) return undefined;
    const own = this.#podName(network, local.address, timeSeconds);
    const other = this.#podName(network, remoteAddress, timeSeconds);
    const clusterId = own?.clusterId ?? other?.clusterId;
    if (own === undefined && other === undefined) return undefined;
    const isSameCluster = other?.clusterId === clusterId;
    return {
      localPodName: own?.podName ?? '',
      localPodNamespace: own?.namespace ?? '',
      localServiceName: own?.serviceName ?? '',
      remotePodName: (isSameCluster && other?.podName) || '',
      remotePodNamespace: (isSameCluster && other?.namespace) || '',
      remoteServiceName: (isSameCluster && other?.serviceName) || '',
    };
  }

  /** The number of a network that the account may use. */
  #networkOf(account: string, vpcId: string): number | undefined {
    const network = this.#places.networks.get(vpcId);
    if (network === undefined) return undefined;
    const accounts = this.#places.accountsOf[network];
    if (accounts === undefined) return undefined;
    if (accounts.has(account)) return network;
    for (const owner of accounts) {
      if (this.#relations.administers(account, owner)) return network;
    }
    return undefined;
  }

  #isSameOrAdministered(account: string, owner: string): boolean {
    return account === owner || this.#relations.administers(account, owner);
  }

  #locate(address: string, from: LookupStart, timeSeconds: number): Place | undefined {
    const last = this.#last;
    if (last.isTo(address, from, timeSeconds)) return last.place;
    return last.keep(this.#find(address, from, timeSeconds));
  }

  #find(address: string, from: LookupStart, timeSeconds: number): Place | undefined {
    this.#address.read(address);
    const mayKnow = (place: Place) => this.#mayKnow(from.account, place);
    const network = this.#networkOf(from.account, from.vpcId);
    if (network === undefined) return this.#publicPlace(timeSeconds, mayKnow);
    const here = this.#inNetwork(network, timeSeconds);
    if (here !== undefined) return here;
    const route = this.#routingTables.routeCache.to(this.#address, from, timeSeconds);
    const far = route.end === 'network' ? this.#places.networks.get(route.vpcId) : undefined;
    if (far !== undefined) {
      return this.#inNetwork(far, timeSeconds) ?? this.#places.networkPlaces[far];
    }
    return this.#publicPlace(timeSeconds, mayKnow) ?? this.#placeAtEnd(route);
  }

  #inNetwork(network: number, timeSeconds: number): Place | undefined {
    const { addresses, subnets, places } = this.#places;
    const host = addresses.find(network, this.#address, timeSeconds);
    if (host >= 0) return places[host];
    const pod = this.#pods.isEmpty ? -1 : this.#pods.pods.find(network, this.#address, timeSeconds);
    const node = pod >= 0 ? this.#pods.placeOfPod.get(pod) : undefined;
    return node ?? places[subnets.find(network, this.#address, timeSeconds)];
  }

  /** The interface with a public address if the account may know it, else the published prefix. */
  #publicPlace(timeSeconds: number, mayKnow: (place: Place) => boolean): Place | undefined {
    const { publicAddresses, published, places } = this.#places;
    const own = places[publicAddresses.find(PUBLIC_SPACE, this.#address, timeSeconds)];
    if (own !== undefined && mayKnow(own)) return own;
    return places[published.find(PUBLIC_SPACE, this.#address, timeSeconds)];
  }

  /** Whether an account may know which interface has a public address. */
  #mayKnow(account: string, place: Place): boolean {
    return (
      account === place.account ||
      this.#relations.areTogether(account, place.account) ||
      this.#networkOf(account, place.network) !== undefined
    );
  }

  #placeAtEnd({ end, transitGateway }: Route): Place | undefined {
    switch (end) {
      case 'unknown':
        return undefined;
      case 'internet':
        return this.#internet;
      case 'network':
      case 'elsewhere':
        return this.#elsewhere;
      case 'transit-gateway':
        return this.#transitGatewayPlace(transitGateway?.construct);
      default:
        throw new Error(`no place at ${String(end satisfies never)}`);
    }
  }

  #transitGatewayPlace(construct: TraversedConstruct | undefined): Place {
    const known = this.#transitGateways.get(construct);
    if (known !== undefined) return known;
    const place = placeBeyond('transit-gateway', construct?.componentArn);
    this.#transitGateways.set(construct, place);
    return place;
  }

  /** The gateway endpoint that a subnet uses for a service. */
  #serviceEndpoint(
    start: { readonly vpcId: string; readonly subnetId: string },
    there: Place | undefined,
    timeSeconds: number,
  ): TraversedConstruct | undefined {
    if (there === undefined || there.service === '' || there.interfaceId !== '') return undefined;
    const table = this.#routingTables.routing.tableAt(start.vpcId, start.subnetId, timeSeconds);
    if (table === NO_TABLE) return undefined;
    const service = regionalService(there.service, there.region);
    return this.#routingTables.serviceEndpoints.get(table)?.at(service, timeSeconds);
  }

  #podName(network: number, text: string, timeSeconds: number): NamedPod | undefined {
    const { pods, hostPods, services, servicesOfPods, names } = this.#pods;
    const address = this.#address;
    address.read(text);
    const nameIn = (index: PrefixIndex) => names[index.find(network, address, timeSeconds)];
    const pod = nameIn(pods) ?? names[hostPods.findOnly(network, address, timeSeconds)];
    const service = nameIn(servicesOfPods) ?? nameIn(services);
    const named = pod ?? service;
    if (named === undefined) return undefined;
    const { clusterId, namespace } = named;
    return { clusterId, namespace, podName: pod?.name ?? '', serviceName: service?.name ?? '' };
  }
}

/** The account that asks, and the network and subnet that a lookup starts in. */
interface LookupStart extends RouteStart {
  readonly account: string;
}

/** A cache of one lookup. */
class LastLookup {
  place: Place | undefined;
  #account = '';
  #address = '';
  #vpcId = '';
  #subnetId = '';
  #timeSeconds = -1;

  /** Whether a lookup repeats the cached one. If not, `keep` stores the result of the new one. */
  isTo(address: string, { account, vpcId, subnetId }: LookupStart, timeSeconds: number): boolean {
    if (
      this.#address === address &&
      this.#timeSeconds === timeSeconds &&
      this.#subnetId === subnetId &&
      this.#vpcId === vpcId &&
      this.#account === account
    ) {
      return true;
    }
    this.#address = address;
    this.#timeSeconds = timeSeconds;
    this.#subnetId = subnetId;
    this.#vpcId = vpcId;
    this.#account = account;
    return false;
  }

  keep(place: Place | undefined): Place | undefined {
    this.place = place;
    return place;
  }
}

/** The constructs of an end. If the graph knows none, the instance that the agent reports. */
function endWith(place: Place | undefined, end: PathEnd): readonly TraversedConstruct[] {
  const known = place === undefined ? NO_CONSTRUCTS : endOf(place);
  if (known.length > 0 || end.instanceId === '') return known;
  const owner = place === undefined || place.account === '' ? end : place;
  return [ec2Construct(owner, 'instance', end.instanceId)];
}

const NO_CONSTRUCTS: readonly TraversedConstruct[] = [];

/** Joins a path. The near end is listed from network to host, so it is reversed. */
function joined(
  near: readonly TraversedConstruct[],
  hops: readonly TraversedConstruct[],
  far: readonly TraversedConstruct[],
): readonly TraversedConstruct[] {
  const all: TraversedConstruct[] = [];
  for (let i = near.length - 1; i >= 0; i -= 1) all.push(near[i] as TraversedConstruct);
  for (const hop of hops) all.push(hop);
  for (const construct of far) all.push(construct);
  return all;
}

function staysOnInstance(end: PathEnd): FlowPath {
  const { instanceId } = end;
  const constructs = instanceId === '' ? [] : [ec2Construct(end, 'instance', instanceId)];
  return { constructs, snatAddress: '', dnatAddress: '' };
}

interface NamedPod {
  readonly clusterId: string;
  readonly namespace: string;
  readonly podName: string;
  readonly serviceName: string;
}
