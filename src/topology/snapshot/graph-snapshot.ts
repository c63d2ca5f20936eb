import { addressScope } from '../../model/address.ts';
import type { PodNames } from '../../model/report.ts';
import type { FlowPath, PathEnd, TraversedConstruct, Vantage } from '../../model/topology.ts';
import type { ResourceVersion } from '../graph/resource-version.ts';
import { AddressWords } from './address-words.ts';
import { ec2Construct } from './constructs.ts';
import { Issues } from './find-issues.ts';
import { Histories, type Steps } from './histories.ts';
import { type Place, placeBeyond } from './place.ts';
import { PlaceTables, PUBLIC_SPACE } from './place-tables.ts';
import { PodTables } from './pod-tables.ts';
import type { PrefixIndex } from './prefix-index.ts';
import { RoutingReader } from './read-routing.ts';
import { NO_TABLE, type Way } from './routing.ts';

/**
 * The resource graph with its history as tables to look things up in: immutable once made. Lookups
 * do not allocate: what they give back was made with the snapshot, and the address being looked up
 * is read into words that are used again.
 */
export class GraphSnapshot {
  readonly #places = new PlaceTables();
  readonly #pods = new PodTables(this.#places);
  readonly #routes = new RoutingReader();
  readonly #internet = placeBeyond('internet');
  readonly #elsewhere = placeBeyond('nowhere known');
  readonly #transitGateways = new Map<TraversedConstruct | undefined, Place>();
  /** What sources say that cannot be so. */
  readonly issues = new Issues();
  /** Owned by the lookup that runs. */
  readonly #address = new AddressWords();
  /** Whether nothing is in it that could be looked up. */
  isEmpty = true;

  /** Makes a snapshot; the caller decides when to go on. */
  static *make(versions: Iterable<readonly ResourceVersion[]>): Steps<GraphSnapshot> {
    const snapshot = new GraphSnapshot();
    const histories = new Histories();
    yield* histories.read(versions);
    yield* snapshot.#places.read(histories);
    yield* snapshot.#pods.read(histories);
    yield* snapshot.#routes.read(histories);
    yield* snapshot.issues.find(histories, snapshot.#places);
    const { networks, published } = snapshot.#places;
    snapshot.isEmpty = networks.size === 0 && published.size === 0;
    return snapshot;
  }

  /** The network and zone of an instance with an interface; undefined when it is not known. */
  placeOfInstance(instanceId: string): Place | undefined {
    return this.#places.placeOfInstance.get(instanceId);
  }

  zoneOf(subnetId: string): string | undefined {
    return this.#places.zoneOf.get(subnetId);
  }

  isLocalZone(zoneId: string): boolean {
    return this.#places.localZones.has(zoneId);
  }

  /** Who has an address of a network itself. */
  here(address: string, vpcId: string, timeSeconds: number): Place | undefined {
    const network = this.#places.networks.get(vpcId);
    if (network === undefined) return undefined;
    this.#address.read(address);
    return this.#inNetwork(network, timeSeconds);
  }

  /**
   * Who has an address: of the network, of one that its routes lead to, publicly; else where those
   * routes end. Undefined when neither the address nor routes of the network are known.
   */
  locate(address: string, vantage: Vantage): Place | undefined {
    const { vpcId, subnetId = '', timeSeconds } = vantage;
    this.#address.read(address);
    const network = this.#places.networks.get(vpcId);
    if (network === undefined) return this.#publicPlace(timeSeconds);
    const own = this.#inNetwork(network, timeSeconds);
    if (own !== undefined) return own;
    const way = this.#routes.routing.walk({ vpcId, subnetId }, this.#address, timeSeconds);
    const far = way.end === 'network' ? this.#places.networks.get(way.vpcId) : undefined;
    if (far !== undefined) {
      return this.#inNetwork(far, timeSeconds) ?? this.#places.networkPlaces[far];
    }
    return this.#publicPlace(timeSeconds) ?? this.#placeAtEnd(way);
  }

  /** The constructs between two ends, both included. */
  pathOf(from: PathEnd, to: PathEnd, timeSeconds: number): FlowPath {
    if (addressScope(to.address) === 'loopback' || from.address === to.address) {
      return staysOnInstance(from);
    }
    const constructs: TraversedConstruct[] = [];
    const here = this.here(from.address, from.vpcId, timeSeconds);
    this.#pushEnd(constructs, here, from);
    constructs.reverse();
    const subnetId = here?.subnet || from.subnetId;
    const there = this.locate(to.address, {
      owner: from,
      vpcId: from.vpcId,
      subnetId,
      timeSeconds,
    });
    const start = { vpcId: from.vpcId, subnetId };
    this.#address.read(to.address);
    const endpoint = this.#serviceEndpoint(start, there, timeSeconds);
    if (endpoint !== undefined) {
      constructs.push(endpoint, { serviceName: there?.service ?? '' });
      return { constructs, snatAddress: '' };
    }
    const way = this.#routes.routing.walk(start, this.#address, timeSeconds);
    for (const hop of way.hops) constructs.push(hop);
    const snatAddress = way.snatAddress;
    this.#pushEnd(constructs, there, to);
    return { constructs, snatAddress };
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

  #inNetwork(network: number, timeSeconds: number): Place | undefined {
    const { addresses, subnets, places } = this.#places;
    const host = addresses.find(network, this.#address, timeSeconds);
    if (host >= 0) return places[host];
    const pod = this.#pods.isEmpty ? -1 : this.#pods.pods.find(network, this.#address, timeSeconds);
    const node = pod >= 0 ? this.#pods.placeOfPod.get(pod) : undefined;
    return node ?? places[subnets.find(network, this.#address, timeSeconds)];
  }

  #publicPlace(timeSeconds: number): Place | undefined {
    const { publicAddresses, published, places } = this.#places;
    return (
      places[publicAddresses.find(PUBLIC_SPACE, this.#address, timeSeconds)] ??
      places[published.find(PUBLIC_SPACE, this.#address, timeSeconds)]
    );
  }

  #placeAtEnd({ end, transitGateway }: Way): Place | undefined {
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

  /** The gateway endpoint by which a subnet reaches a service. */
  #serviceEndpoint(
    start: { readonly vpcId: string; readonly subnetId: string },
    there: Place | undefined,
    timeSeconds: number,
  ): TraversedConstruct | undefined {
    if (there === undefined || there.service === '' || there.interfaceId !== '') return undefined;
    const table = this.#routes.routing.tableAt(start.vpcId, start.subnetId, timeSeconds);
    if (table === NO_TABLE) return undefined;
    return this.#routes.serviceEndpoints.get(table)?.at(there.service, timeSeconds);
  }

  /** Interface, then instance or what stands behind it: seen from the network. */
  #pushEnd(constructs: TraversedConstruct[], place: Place | undefined, end: PathEnd): void {
    if (place !== undefined && place.interfaceId !== '') {
      constructs.push(ec2Construct(place, 'network-interface', place.interfaceId));
      for (const construct of place.behind) constructs.push(construct);
    } else if (place !== undefined && place.service !== '') {
      constructs.push({ serviceName: place.service });
    }
    const instanceId = place?.instanceId || end.instanceId;
    if (instanceId === '') return;
    const owner = place !== undefined && place.account !== '' ? place : end;
    constructs.push(ec2Construct(owner, 'instance', instanceId));
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

function staysOnInstance(end: PathEnd): FlowPath {
  const { instanceId } = end;
  const constructs = instanceId === '' ? [] : [ec2Construct(end, 'instance', instanceId)];
  return { constructs, snatAddress: '' };
}

interface NamedPod {
  readonly clusterId: string;
  readonly namespace: string;
  readonly podName: string;
  readonly serviceName: string;
}
