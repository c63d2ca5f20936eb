import type { CloudParameters, TrafficCategory } from './cloud-parameters.ts';
import { Random } from './random.ts';
import { NetworkBuilder, type SimNetwork } from './sim-network.ts';

interface Zone {
  readonly az: number;
  readonly edge: number;
  readonly name: string;
}

interface Region {
  readonly name: string;
  readonly zones: readonly Zone[];
  readonly vpcs: readonly Vpc[];
  readonly transitGateway: number;
  readonly internet: number;
  readonly services: readonly Remote[];
  readonly endpoints: readonly Remote[];
}

interface Vpc {
  readonly vpc: number;
  readonly attachment: number;
  readonly subnets: readonly Subnet[];
  readonly peerings: Map<Vpc, number>;
}

interface Subnet {
  readonly subnet: number;
  readonly nat: number;
  readonly zone: Zone;
  readonly hosts: Host[];
}

interface Host {
  readonly host: number;
  readonly image: number;
  readonly subnet: Subnet;
  readonly vpc: Vpc;
  readonly region: Region;
}

interface Remote {
  readonly construct: number;
  readonly name: string;
}

/** Draws a cloud of several Regions from a seed: constructs, hosts, and the cells between them. */
export function cloudNetwork(parameters: CloudParameters, seed: number): SimNetwork {
  return new CloudMaker(parameters, seed).make();
}

class CloudMaker {
  readonly #parameters: CloudParameters;
  readonly #seed: number;
  readonly #random: Random;
  readonly #builder = new NetworkBuilder();
  readonly #images: number[] = [];
  readonly #regionPairs = new Map<string, number>();
  readonly #zonePairs = new Map<string, number>();

  constructor(parameters: CloudParameters, seed: number) {
    this.#parameters = parameters;
    this.#seed = seed;
    this.#random = new Random(seed);
  }

  make(): SimNetwork {
    const { regions: count, images, cells, agentShare } = this.#parameters;
    for (let i = 0; i < images; i += 1)
      this.#images.push(this.#builder.construct('image', `ami-${i}`));
    const regions = Array.from({ length: count }, (_, i) => this.#region(`r${i + 1}`));
    const hosts = this.#hosts(regions);
    const watched = hosts.filter((_, i) => i < 1 || this.#random.chance(agentShare));
    for (let i = 0; i < cells; i += 1) {
      const host = watched[i % watched.length];
      if (host !== undefined) this.#cell(host, regions);
    }
    return this.#builder.build(`cloud ${this.#seed}`);
  }

  #region(name: string): Region {
    const { zonesPerRegion, vpcsPerRegion, peeringsPerRegion, ...counts } = this.#parameters;
    const builder = this.#builder;
    const zones = this.#some(zonesPerRegion, (i) => ({
      name: `${name}-az${i + 1}`,
      az: builder.construct('az', `${name}-az${i + 1}`),
      edge: builder.construct('edge', `edge-${name}-az${i + 1}`),
    }));
    for (const from of zones) {
      for (const to of zones.filter((zone) => zone !== from)) {
        const pair = `${from.name}>${to.name}`;
        this.#zonePairs.set(pair, builder.construct('az-pair', pair));
      }
    }
    const ownNat = this.#random.chance(0.5);
    const zoneNats = zones.map((zone) =>
      ownNat ? -1 : builder.construct('nat', `nat-${zone.name}`),
    );
    const vpcs = this.#some(vpcsPerRegion, (i) => this.#vpc(`vpc-${name}-${i}`, zones, zoneNats));
    this.#some(peeringsPerRegion, (i) => this.#peer(`pcx-${name}-${i}`, vpcs));
    const remotes = (kind: 'service' | 'endpoint', length: number): Remote[] =>
      Array.from({ length }, (_, i) => {
        const title = `${kind}-${name}-${i}`;
        return { name: title, construct: builder.construct(kind, title) };
      });
    return {
      name,
      zones,
      vpcs,
      transitGateway: builder.construct('transit-gateway', `tgw-${name}`),
      internet: builder.construct('internet', `internet-${name}`),
      services: remotes('service', counts.servicesPerRegion),
      endpoints: remotes('endpoint', counts.endpointsPerRegion),
    };
  }

  #vpc(name: string, zones: readonly Zone[], zoneNats: readonly number[]): Vpc {
    const builder = this.#builder;
    // At least two zones, so that the VPC can have traffic between zones.
    const subnets = zones.flatMap((zone, i): Subnet[] => {
      if (i >= 2 && this.#random.chance(0.3)) return [];
      const shared = zoneNats[i] ?? -1;
      return [
        {
          subnet: builder.construct('subnet', `subnet-${name}-${zone.name}`),
          nat: shared >= 0 ? shared : builder.construct('nat', `nat-${name}-${zone.name}`),
          zone,
          hosts: [],
        },
      ];
    });
    return {
      vpc: builder.construct('vpc', name),
      attachment: builder.construct('attachment', `attach-${name}`),
      subnets,
      peerings: new Map(),
    };
  }

  #peer(name: string, vpcs: readonly Vpc[]): void {
    const from = this.#random.pick(vpcs);
    const others = vpcs.filter((vpc) => vpc !== from && !from.peerings.has(vpc));
    if (others.length === 0) return;
    const to = this.#random.pick(others);
    const peering = this.#builder.construct('peering', name);
    from.peerings.set(to, peering);
    to.peerings.set(from, peering);
  }

  /** Distributes the hosts over the subnets by random weights: real subnets differ in size. */
  #hosts(regions: readonly Region[]): readonly Host[] {
    const places = regions.flatMap((region) =>
      region.vpcs.flatMap((vpc) =>
        vpc.subnets.map((subnet) => ({
          region,
          vpc,
          subnet,
          weight: this.#random.uniform(0.4, 1.6),
        })),
      ),
    );
    const total = places.reduce((sum, { weight }) => sum + weight, 0);
    return places.flatMap(({ region, vpc, subnet, weight }) => {
      const count = Math.max(3, Math.round((this.#parameters.hosts * weight) / total));
      for (let i = 0; i < count; i += 1) {
        const name = `${this.#builder.constructs[subnet.subnet]?.name}-host-${i}`;
        const host = this.#builder.construct('host', name);
        subnet.hosts.push({ host, image: this.#random.pick(this.#images), subnet, vpc, region });
      }
      return subnet.hosts;
    });
  }

  #cell(from: Host, regions: readonly Region[]): void {
    const category = this.#category();
    if (category === 'service' || category === 'internet') this.#outward(from, category);
    else {
      const to = this.#peerHost(from, category, regions);
      if (to === undefined) this.#cell(from, regions);
      else this.#inward(from, to, category);
    }
  }

  #category(): TrafficCategory {
    let left = this.#random.uniform();
    for (const [category, share] of Object.entries(this.#parameters.traffic)) {
      left -= share;
      if (left < 0) return category as TrafficCategory;
    }
    return 'intra-az';
  }

  #outward(from: Host, category: 'service' | 'internet'): void {
    const { region, subnet, vpc } = from;
    const { zone } = subnet;
    const isService = category === 'service';
    const remote = isService ? this.#random.pick(region.services) : this.#popular(region.endpoints);
    const exit = isService ? [zone.edge] : [subnet.nat, region.internet];
    this.#builder.cell({
      host: from.host,
      remote: remote.construct,
      pathClass: `${category} ${zone.name} ${isService ? remote.name : ''}`,
      path: [from.host, from.image, subnet.subnet, zone.az, vpc.vpc, ...exit, remote.construct],
    });
  }

  /** Picks an endpoint so that a few endpoints get most of the cells. */
  #popular(endpoints: readonly Remote[]): Remote {
    return this.#random.pick(endpoints.slice(0, 1 + this.#random.integer(0, endpoints.length)));
  }

  /** A remote host that makes the cell one of this category; undefined if there is none. */
  #peerHost(from: Host, category: TrafficCategory, regions: readonly Region[]): Host | undefined {
    const { region, vpc, subnet } = from;
    const choose = (subnets: readonly Subnet[]): Host | undefined => {
      const hosts = subnets.flatMap((one) => one.hosts).filter((host) => host !== from);
      return hosts.length === 0 ? undefined : this.#random.pick(hosts);
    };
    const others = region.vpcs.filter((other) => other !== vpc);
    const abroad = regions.filter((other) => other !== region).flatMap((other) => other.vpcs);
    switch (category) {
      case 'intra-az':
        return choose([subnet]);
      case 'inter-az':
        return choose(vpc.subnets.filter((other) => other !== subnet));
      case 'peering':
        return choose([...vpc.peerings.keys()].flatMap((other) => other.subnets));
      case 'transit-gateway':
        return choose(others.filter((o) => !vpc.peerings.has(o)).flatMap((other) => other.subnets));
      default:
        return choose(abroad.flatMap((other) => other.subnets));
    }
  }

  #inward(from: Host, to: Host, category: TrafficCategory): void {
    const source = from.subnet.zone;
    const target = to.subnet.zone;
    const pair = this.#zonePairs.get(`${source.name}>${target.name}`);
    this.#builder.cell({
      host: from.host,
      remote: to.host,
      pathClass: `${category} ${source.name} ${target.name}`,
      path: [
        ...[from.host, from.image, from.subnet.subnet, source.az, from.vpc.vpc],
        ...this.#between(from, to, category),
        ...(pair === undefined ? [] : [pair]),
        ...[to.vpc.vpc, target.az, to.subnet.subnet, to.image, to.host],
      ],
    });
  }

  #between(from: Host, to: Host, category: TrafficCategory): readonly number[] {
    if (category === 'peering') return [from.vpc.peerings.get(to.vpc) ?? 0];
    if (category !== 'transit-gateway' && category !== 'inter-region') return [];
    const gateways = [from.region.transitGateway, to.region.transitGateway];
    const regions = from.region === to.region ? [] : [this.#regionPair(from.region, to.region)];
    return [from.vpc.attachment, ...gateways, ...regions, to.vpc.attachment];
  }

  #regionPair(from: Region, to: Region): number {
    const name = `${from.name}>${to.name}`;
    const pair = this.#regionPairs.get(name) ?? this.#builder.construct('region-pair', name);
    this.#regionPairs.set(name, pair);
    return pair;
  }

  #some<T>([min, max]: readonly [number, number], make: (i: number) => T): T[] {
    return Array.from({ length: this.#random.integer(min, max + 1) }, (_, i) => make(i));
  }
}
