import type { Owner } from '../../model/owner.ts';
import type { TraversedConstruct } from '../../model/topology.ts';
import type {
  NetworkInterfaceResource,
  ResourceKind,
  ResourceOf,
  ServicePrefixResource,
  SubnetResource,
} from '../graph/resource.ts';
import { ec2Construct, loadBalancerConstruct } from './constructs.ts';
import type { Histories, History, Steps } from './histories.ts';
import { type IndexedPrefix, indexHistory } from './index-history.ts';
import { isSamePlace, makePlace, type Place } from './place.ts';
import { PrefixIndex } from './prefix-index.ts';
import { endpointServiceName, publishedServiceName } from './service-name.ts';

/** The space of public addresses and published prefixes, which are in no network. */
export const PUBLIC_SPACE = 0;

/** The places of all addresses: networks, subnets, interfaces, gateways, published prefixes. */
export class PlaceTables {
  readonly places: Place[] = [];
  /** The number of each network by id; it is the space in `addresses` and `subnets`. */
  readonly networks = new Map<string, number>();
  /** The place of addresses outside of all known subnets of a network, by network number. */
  readonly networkPlaces: Place[] = [];
  /** The accounts that may use a network, by its number: owners of it or of a part of it. */
  readonly accountsOf: Set<string>[] = [];
  /** The zone of each subnet, where it is known, with the network of the subnet. */
  readonly zoneOf = new Map<string, ZonedSubnet>();
  readonly localZones = new Set<string>();
  /** Places of interfaces and gateways, by network. */
  readonly addresses = new PrefixIndex((a, b) => this.#idOf(a) < this.#idOf(b));
  readonly subnets = new PrefixIndex((a, b) => this.#idOf(a) < this.#idOf(b));
  readonly publicAddresses = new PrefixIndex((a, b) => this.#idOf(a) < this.#idOf(b));
  readonly published = new PrefixIndex((a, b) => this.#isNarrower(a, b));
  /** The place of the first interface of each instance. */
  readonly placeOfInstance = new Map<string, Place>();
  /** Texts that are not an address or prefix, with the id of their resource. */
  readonly unreadable: { readonly id: string; readonly text: string }[] = [];
  readonly #behind = new Map<string, readonly TraversedConstruct[]>();
  readonly #serviceOf = new Map<string, string>();
  /** Ids of owners whose interfaces are described. */
  readonly #hasInterfaces = new Set<string>();

  *read(histories: Histories): Steps {
    yield* histories.eachHistory('zone', (history) => {
      const zone = history.at(-1)?.resource;
      if (zone?.zoneType === 'local') this.localZones.add(zone.id);
    });
    yield* histories.eachHistory('vpc', (history) => this.#addNetwork(history));
    yield* histories.eachHistory('vpc-peering', (history) => this.#addPeered(history));
    yield* histories.eachHistory('subnet', (history) => this.#addSubnet(history));
    yield* this.#readOwners(histories);
    yield* histories.eachHistory('network-interface', (history) => this.#addInterface(history));
    yield* histories.eachHistory('nat-gateway', (history) => this.#addNatGateway(history));
    yield* histories.eachHistory('service-prefix', (history) => this.#addPublished(history));
    yield* histories.eachVersion('kubernetes-cluster', ({ account, vpcId }) => {
      if (vpcId !== undefined) this.#share(vpcId, account);
    });
  }

  /** The number of a network. Also numbers networks that only their members name. */
  numberOf(vpcId: string): number {
    const known = this.networks.get(vpcId);
    if (known !== undefined) return known;
    const number = this.networks.size;
    this.networks.set(vpcId, number);
    this.networkPlaces[number] = makePlace({ id: vpcId, vpcId, network: vpcId });
    this.accountsOf[number] = new Set();
    return number;
  }

  /** Records that hosts of an account may be in a network. */
  #share(vpcId: string, account: string): void {
    this.accountsOf[this.numberOf(vpcId)]?.add(account);
  }

  #addNetwork(history: History<'vpc'>): void {
    const vpc = history.at(-1)?.resource;
    if (vpc === undefined) return;
    this.#describeNetwork(vpc, vpc.id);
    for (const account of vpc.sharedWith ?? []) this.#share(vpc.id, account);
  }

  /** The far end of a peering may be in an account that no source reads. */
  #addPeered(history: History<'vpc-peering'>): void {
    const peering = history.at(-1)?.resource;
    for (const peered of peering === undefined ? [] : [peering.requester, peering.accepter]) {
      if (!this.networks.has(peered.vpcId)) this.#describeNetwork(peered, peered.vpcId);
    }
  }

  #describeNetwork({ account, region }: Owner, id: string): void {
    const place = makePlace({ id, account, region, vpcId: id, network: id });
    this.networkPlaces[this.numberOf(id)] = place;
    this.#share(id, account);
  }

  #addSubnet(history: History<'subnet'>): void {
    const last = history.at(-1)?.resource;
    const { id = '', zoneId = '', vpcId = '' } = last ?? {};
    if (zoneId !== '') this.zoneOf.set(id, { zoneId, vpcId });
    if (last !== undefined) this.#share(vpcId, last.account);
    const numbers = this.#number(history, subnetPlace(this.localZones));
    this.#index(this.subnets, history, (subnet, i) =>
      this.#inNetwork(subnet.vpcId, subnet.cidrs, numbers[i]),
    );
  }

  /** Reads the endpoints, load balancers and NAT gateways that own interfaces. */
  *#readOwners(histories: Histories): Steps {
    yield* histories.eachHistory('vpc-endpoint', (history) => {
      const endpoint = history.at(-1)?.resource;
      if (endpoint === undefined) return;
      const service = endpointServiceName(endpoint.serviceName);
      const constructs = [
        ec2Construct(endpoint, 'vpc-endpoint', endpoint.id),
        { serviceName: service },
      ];
      for (const id of [endpoint.id, ...(endpoint.interfaceIds ?? [])]) {
        this.#behind.set(id, constructs);
        this.#serviceOf.set(id, service);
      }
    });
    yield* histories.eachHistory('load-balancer', (history) => {
      const balancer = history.at(-1)?.resource;
      if (balancer === undefined) return;
      const constructs = [loadBalancerConstruct(balancer, balancer.id)];
      for (const id of [balancer.id, ...(balancer.interfaceIds ?? [])]) {
        this.#behind.set(id, constructs);
      }
    });
    yield* histories.eachHistory('nat-gateway', (history) => {
      const nat = history.at(-1)?.resource;
      if (nat !== undefined) this.#behind.set(nat.id, [ec2Construct(nat, 'natgateway', nat.id)]);
    });
  }

  #addInterface(history: History<'network-interface'>): void {
    const numbers = this.#number(history, (resource) => this.#interfacePlace(resource));
    for (const { resource } of history) this.#share(resource.vpcId, resource.account);
    this.#index(this.addresses, history, ({ vpcId, addresses, prefixes = [] }, i) =>
      this.#inNetwork(vpcId, [...addresses, ...prefixes], numbers[i]),
    );
    this.#index(this.publicAddresses, history, ({ publicAddresses = [] }, i) =>
      inPublic(publicAddresses, numbers[i]),
    );
  }

  #interfacePlace(resource: NetworkInterfaceResource): Place {
    const { id, account, region, vpcId, subnetId = '', instanceId = '', ownerId = '' } = resource;
    const { addresses, publicAddresses = [] } = resource;
    const az = this.zoneOf.get(subnetId)?.zoneId ?? '';
    if (ownerId !== '') this.#hasInterfaces.add(ownerId);
    const service = this.#serviceOf.get(id) ?? this.#serviceOf.get(ownerId) ?? '';
    const place = makePlace({
      id,
      account,
      region,
      // The address of an endpoint belongs to the service, so it has no subnet and zone.
      ...(service === '' ? { vpcId, subnetId, az, instanceId } : {}),
      service,
      isLocalZone: this.localZones.has(az),
      network: vpcId,
      subnet: subnetId,
      interfaceId: id,
      privateAddress: addresses[0] ?? '',
      // The resource does not map several public addresses to private ones.
      publicAddress: (publicAddresses.length === 1 && publicAddresses[0]) || '',
      behind: this.#behind.get(id) ?? this.#behind.get(ownerId) ?? NOTHING,
    });
    if (instanceId !== '' && !this.placeOfInstance.has(instanceId)) {
      this.placeOfInstance.set(instanceId, place);
    }
    return place;
  }

  /** Adds the addresses of a gateway unless its interfaces, which have them too, are described. */
  #addNatGateway(history: History<'nat-gateway'>): void {
    if (this.#hasInterfaces.has(history.at(-1)?.resource.id ?? '')) return;
    const numbers = this.#number(history, (nat) => {
      const { id, account, region, vpcId, subnetId } = nat;
      const az = this.zoneOf.get(subnetId)?.zoneId ?? '';
      const where = { vpcId, subnetId, az, network: vpcId, subnet: subnetId };
      const behind = this.#behind.get(id) ?? NOTHING;
      return makePlace({ id, account, region, ...where, interfaceId: id, behind });
    });
    this.#index(this.addresses, history, ({ vpcId, privateAddresses }, i) =>
      this.#inNetwork(vpcId, privateAddresses, numbers[i]),
    );
    this.#index(this.publicAddresses, history, ({ publicAddresses }, i) =>
      inPublic(publicAddresses, numbers[i]),
    );
  }

  #addPublished(history: History<'service-prefix'>): void {
    const numbers = this.#number(history, publishedPlace);
    this.#index(this.published, history, ({ prefix }, i) => inPublic([prefix], numbers[i]));
  }

  #index<Kind extends ResourceKind>(
    index: PrefixIndex,
    history: History<Kind>,
    prefixesOf: (resource: ResourceOf<Kind>, version: number) => readonly IndexedPrefix[],
  ): void {
    const id = history[0]?.resource.id ?? '';
    for (const text of indexHistory(index, history, prefixesOf)) this.unreadable.push({ id, text });
  }

  #inNetwork(vpcId: string, prefixes: readonly string[], value = 0): readonly IndexedPrefix[] {
    const space = this.numberOf(vpcId);
    return prefixes.map((prefix) => ({ space, prefix, value }));
  }

  /** The number of the place of each version. Consecutive equal places share one number. */
  #number<Kind extends ResourceKind>(
    history: History<Kind>,
    placeOf: (resource: ResourceOf<Kind>) => Place,
  ): readonly number[] {
    let last: Place | undefined;
    return history.map(({ resource }) => {
      const place = placeOf(resource);
      if (last === undefined || !isSamePlace(last, place)) {
        this.places.push(place);
        last = place;
      }
      return this.places.length - 1;
    });
  }

  #idOf(number: number): string {
    return this.places[number]?.id ?? '';
  }

  /** Equal published prefixes: a named service precedes `EC2` and `AMAZON`, which name none. */
  #isNarrower(a: number, b: number): boolean {
    const [one, other] = [this.places[a], this.places[b]];
    const isService = (place: Place | undefined) => Number((place?.service ?? '') !== '');
    return (
      isService(one) > isService(other) ||
      (isService(one) === isService(other) && this.#idOf(a) < this.#idOf(b))
    );
  }
}

const NOTHING: readonly TraversedConstruct[] = [];

interface ZonedSubnet {
  readonly zoneId: string;
  readonly vpcId: string;
}

function inPublic(prefixes: readonly string[], value = 0): readonly IndexedPrefix[] {
  return prefixes.map((prefix) => ({ space: PUBLIC_SPACE, prefix, value }));
}

function subnetPlace(localZones: ReadonlySet<string>): (subnet: SubnetResource) => Place {
  return ({ id, account, region, vpcId, zoneId = '' }) =>
    makePlace({
      id,
      account,
      region,
      vpcId,
      subnetId: id,
      az: zoneId,
      isLocalZone: localZones.has(zoneId),
      network: vpcId,
      subnet: id,
    });
}

function publishedPlace(resource: ServicePrefixResource): Place {
  const { id, region, service, networkBorderGroup } = resource;
  return makePlace({
    id,
    region,
    service: publishedServiceName(service),
    isLocalZone: networkBorderGroup !== region,
  });
}
