import { isLoopback } from '../../model/address.ts';
import type { PodNames } from '../../model/report.ts';
import type {
  FlowPath,
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
import { RoutingReader } from './read-routing.ts';
import { NO_TABLE, type Route, type RouteStart } from './routing.ts';

/**
 * Lookup tables of the resource graph and its history. Immutable once made. Lookups do not
 * allocate: they return places that were made with the snapshot, and parse the address into a
 * reused buffer.
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
  /** Whether no lookup can find anything. */
  isEmpty = true;

  /** Makes a snapshot step by step, at the pace of the caller. */
  static *make(versions: Iterable<readonly ResourceVersion[]>): Steps<GraphSnapshot> {
    const snapshot = new GraphSnapshot();
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

  /** Image, type and node pool of an instance at a time. */
  instance(instanceId: string, timeSeconds: number): InstanceTraits {
    return this.#instances.at(instanceId, timeSeconds);
  }

  /** The place of an instance; undefined when no interface of it is known. */
  placeOfInstance(instanceId: string): Place | undefined {
    return this.#places.placeOfInstance.get(instanceId);
  }

  zoneOf(subnetId: string): string | undefined {
    return this.#places.zoneOf.get(subnetId);
  }

  isLocalZone(zoneId: string): boolean {
    return this.#places.localZones.has(zoneId);
  }

  /** Looks an address up in one network, without following its routes. */
  here(address: string, vpcId: string, timeSeconds: number): Place | undefined {
    const last = this.#lastHere;
    if (last.isTo(address, { vpcId, subnetId: '' }, timeSeconds)) return last.place;
    const network = this.#places.networks.get(vpcId);
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
    const { vpcId, subnetId = '', timeSeconds } = vantage;
    return this.#locate(address, { vpcId, subnetId }, timeSeconds);
  }

  /** Every network that has the address, and its public owner. */
  everywhere(address: string, timeSeconds: number): readonly Place[] {
    this.#address.read(address);
    const networks = [...this.#places.networks.values()];
    const inNetworks = networks.flatMap((network) => this.#inNetwork(network, timeSeconds) ?? []);
    const inPublic = this.#publicPlace(timeSeconds);
    return inPublic === undefined ? inNetworks : [...inNetworks, inPublic];
  }

  /** The constructs from one end to the other, both ends included. */
  pathOf(from: PathEnd, to: PathEnd, timeSeconds: number): FlowPath {
    const remote = to.beyondNat || to.address;
    if (isLoopback(remote) || from.address === remote) return staysOnInstance(from);
    const here = this.#ownPlace(from, timeSeconds);
    const start = { vpcId: from.vpcId, subnetId: here?.subnet || from.subnetId };
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

  /** The address of a container is in no network; the one its host translates it to may be. */
  #ownPlace({ address, beyondNat = '', vpcId }: PathEnd, timeSeconds: number): Place | undefined {
    const place = this.here(address, vpcId, timeSeconds);
    if (place !== undefined || beyondNat === '') return place;
    return this.here(beyondNat, vpcId, timeSeconds);
  }

  podNamesOf(local: PathEnd, remoteAddress: string, timeSeconds: number): PodNames | undefined {
    const network = this.#places.networks.get(local.vpcId);
    if (network === undefined || this.#pods.isEmpty) return undefined;
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

  #locate(address: string, from: RouteStart, timeSeconds: number): Place | undefined {
    const last = this.#last;
    if (last.isTo(address, from, timeSeconds)) return last.place;
    return last.keep(this.#find(address, from, timeSeconds));
  }

  #find(address: string, from: RouteStart, timeSeconds: number): Place | undefined {
    this.#address.read(address);
    const network = this.#places.networks.get(from.vpcId);
    if (network === undefined) return this.#publicPlace(timeSeconds);
    return (
      this.#inNetwork(network, timeSeconds) ??
      this.#placeBy(
        this.#routingTables.routeCache.to(this.#address, from, timeSeconds),
        timeSeconds,
      )
    );
  }

  #inNetwork(network: number, timeSeconds: number): Place | undefined {
    const { addresses, subnets, places } = this.#places;
    const host = addresses.find(network, this.#address, timeSeconds);
    if (host >= 0) return places[host];
    const pod = this.#pods.isEmpty ? -1 : this.#pods.pods.find(network, this.#address, timeSeconds);
    const node = pod >= 0 ? this.#pods.placeOfPod.get(pod) : undefined;
    return node ?? places[subnets.find(network, this.#address, timeSeconds)];
  }

  /** Finds the address in the network where the route ends, or in public; else returns the exit. */
  #placeBy(route: Route, timeSeconds: number): Place | undefined {
    const far = route.end === 'network' ? this.#places.networks.get(route.vpcId) : undefined;
    if (far !== undefined) {
      return this.#inNetwork(far, timeSeconds) ?? this.#places.networkPlaces[far];
    }
    return this.#publicPlace(timeSeconds) ?? this.#placeAtEnd(route);
  }

  #publicPlace(timeSeconds: number): Place | undefined {
    const { publicAddresses, published, places } = this.#places;
    return (
      places[publicAddresses.find(PUBLIC_SPACE, this.#address, timeSeconds)] ??
      places[published.find(PUBLIC_SPACE, this.#address, timeSeconds)]
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
    return this.#routingTables.serviceEndpoints.get(table)?.at(there.service, timeSeconds);
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

/** A cache of one lookup. */
class LastLookup {
  place: Place | undefined;
  #address = '';
  #vpcId = '';
  #subnetId = '';
  #timeSeconds = -1;

  /** Whether a lookup repeats the cached one. If not, `keep` stores the result of the new one. */
  isTo(address: string, { vpcId, subnetId }: RouteStart, timeSeconds: number): boolean {
    if (
      this.#address === address &&
      this.#timeSeconds === timeSeconds &&
      this.#subnetId === subnetId &&
      this.#vpcId === vpcId
    ) {
      return true;
    }
    this.#address = address;
    this.#timeSeconds = timeSeconds;
    this.#subnetId = subnetId;
    this.#vpcId = vpcId;
    return false;
  }

  keep(place: Place | undefined): Place | undefined {
    this.place = place;
    return place;
  }
}

/** The constructs of an end. An instance that only its agent describes counts too. */
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
