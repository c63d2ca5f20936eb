import { seededRandom } from '../../src/lib/testing.ts';
import type {
  Resource,
  ResourceOf,
  RouteEntry,
  TransitGatewayRoute,
} from '../../src/topology/graph/resource.ts';
import type { SourceStatement } from '../../src/topology/graph/source-statement.ts';
import { PUBLISHED_PREFIXES } from './published-prefixes.ts';
import {
  ACCOUNTS,
  hasNat,
  hex,
  interfaceAt,
  isDual,
  mainTable,
  makeSubnet,
  makeVpc,
  natId,
  networkOf,
  type Place,
  publicTable,
  type Subnet,
  spaceOf,
  subnetId,
  subnetOf,
  type Vpc,
  v6Of,
  ZONES,
} from './vpc.ts';

export interface WorldSize {
  readonly vpcs: number;
  readonly subnetsPerVpc: number;
  /** At most 100. */
  readonly hostsPerSubnet: number;
  /** The pods are in the subnets of the first five VPCs: at most 100 per subnet. */
  readonly pods: number;
}

/** 40 VPCs, 400 subnets, 20,000 instances, 5,000 pods. */
export const WORLD_SIZE: WorldSize = {
  vpcs: 40,
  subnetsPerVpc: 10,
  hostsPerSubnet: 50,
  pods: 5_000,
};

const CLUSTERS = 5;
const SERVICES = 20;
/** The first two are in us-east-1, the last is in eu-west-1. */
const TRANSIT_GATEWAYS = [0, 1, 2] as const;
const TRANSIT_PEERINGS = [
  [0, 2],
  [1, 2],
] as const;

export interface Host {
  readonly subnet: Subnet;
  readonly place: number;
  /** How many instances have been at this place before this one. */
  life: number;
}

export interface Pod {
  readonly number: number;
  readonly subnet: Subnet;
  readonly address: string;
  host: Host;
  life: number;
}

const tgwId = (number: number) => `tgw-${hex(number)}`;
const peeringId = (index: number) => `tgw-attach-${hex(900_000 + index)}`;
const attachmentId = (vpc: Vpc) => `tgw-attach-${hex(vpc.number)}`;
const vpnId = (number: number) => `tgw-attach-${hex(800_000 + number)}`;

export function hostNumber({ subnet, place, life }: Host): string {
  return hex(((subnet.vpc.number * 32 + subnet.octet) * 128 + place) * 4096 + life);
}

/**
 * An invented estate: accounts, Regions, VPCs with overlapping address spaces, peerings, peered
 * transit gateways, gateways, endpoints, and pods that move. Equal seeds give equal worlds.
 * `statements` returns its state in the form of the sources; `change` moves it on by a step.
 */
export class World {
  readonly vpcs: readonly Vpc[];
  readonly subnets: readonly Subnet[];
  readonly hosts: readonly Host[];
  readonly pods: readonly Pod[];
  readonly #random: () => number;
  readonly #hostsOf: ReadonlyMap<Subnet, readonly Host[]>;
  readonly #peerings: readonly (readonly [Vpc, Vpc])[];
  /** VPCs whose default route is removed at the moment, and VPCs whose attachment is removed. */
  readonly #cutOff = new Set<Vpc>();
  readonly #detached = new Set<Vpc>();

  constructor(size: WorldSize = WORLD_SIZE, seed = 1) {
    this.#random = seededRandom(seed);
    this.vpcs = Array.from({ length: size.vpcs }, (_, number) => makeVpc(number));
    this.subnets = this.vpcs.flatMap((vpc) =>
      Array.from({ length: size.subnetsPerVpc }, (_, octet) => makeSubnet(vpc, octet)),
    );
    this.#hostsOf = new Map(
      this.subnets.map((subnet) => [
        subnet,
        Array.from({ length: size.hostsPerSubnet }, (_, place) => ({ subnet, place, life: 0 })),
      ]),
    );
    this.hosts = [...this.#hostsOf.values()].flat();
    this.#peerings = makePeerings(this.vpcs);
    const podSubnets = Math.min(CLUSTERS * size.subnetsPerVpc, this.subnets.length);
    this.pods = Array.from({ length: size.pods }, (_, number) => {
      const subnet = this.subnets[number % podSubnets] as Subnet;
      const address = `10.${subnet.vpc.space}.${subnet.octet}.${128 + Math.floor(number / podSubnets)}`;
      return { number, subnet, address, host: this.#anyHost(subnet), life: 0 };
    });
  }

  /** Replaces hosts, moves and replaces pods, and removes or restores default routes and attachments. */
  change(): void {
    for (const host of this.hosts) if (this.#random() < 0.01) host.life += 1;
    for (const pod of this.pods) {
      if (this.#random() < 0.2) pod.host = this.#anyHost(pod.subnet);
      if (this.#random() < 0.05) pod.life += 1;
    }
    for (const set of [this.#cutOff, this.#detached]) {
      set.clear();
      for (const vpc of this.vpcs) if (this.#random() < 0.1) set.add(vpc);
    }
  }

  /** A statement per account and Region, one per cluster, and one of the published prefixes. */
  statements(atSeconds: number): readonly SourceStatement[] {
    const slices = new Map<string, Resource[]>();
    const add = ({ account, region }: Place, ...resources: readonly Resource[]) => {
      const slice = `${account}/${region}`;
      const known = slices.get(slice);
      if (known === undefined) slices.set(slice, [...resources]);
      else known.push(...resources);
    };
    this.#addNetworks(add);
    this.#addTransitGateways(add);
    this.#addHosts(add);
    const ec2 = [...slices].map(([slice, resources]) => ({ slice, resources }));
    return [
      ...[...ec2, { slice: 'ip-ranges', resources: PUBLISHED_PREFIXES }].map((part) => {
        return { source: 'aws' as const, atSeconds, ...part };
      }),
      ...Array.from({ length: CLUSTERS }, (_, number) => {
        const resources = this.#cluster(number);
        return { source: 'kubernetes' as const, slice: `cluster-${number}`, atSeconds, resources };
      }),
    ];
  }

  #addNetworks(add: Add): void {
    for (const [region, zones] of Object.entries(ZONES)) {
      for (const id of zones) {
        const zoneType = id.includes('bos') ? 'local' : 'availability';
        add({ account: ACCOUNTS[0], region }, { kind: 'zone', id, region, zoneType });
      }
    }
    for (const vpc of this.vpcs) add(vpc, ...networkOf(vpc), ...this.#tablesOf(vpc));
    for (const subnet of this.subnets) add(subnet.vpc, subnetOf(subnet));
    for (const [requester, accepter] of this.#peerings) {
      const peering = {
        kind: 'vpc-peering' as const,
        id: pcxId(requester, accepter),
        requester: peered(requester),
        accepter: peered(accepter),
      };
      add(requester, peering);
      if (accepter.account !== requester.account || accepter.region !== requester.region) {
        add(accepter, peering);
      }
    }
  }

  #tablesOf(vpc: Vpc): Resource[] {
    const peerRoutes = this.#peerings.flatMap(([one, other]): RouteEntry[] => {
      if (one !== vpc && other !== vpc) return [];
      const far = one === vpc ? other : one;
      return [route(spaceOf(far), 'vpc-peering', pcxId(one, other))];
    });
    const gateway = tgwId(vpc.transitGateway ?? 0);
    const out = hasNat(vpc)
      ? route('0.0.0.0/0', 'nat-gateway', natId(vpc))
      : route('0.0.0.0/0', 'transit-gateway', gateway);
    const toOthers =
      vpc.transitGateway === undefined
        ? []
        : ['10.0.0.0/8', '172.16.0.0/12'].map((to) => route(to, 'transit-gateway', gateway));
    const local = route(spaceOf(vpc), 'local', '');
    const igw = `igw-${hex(vpc.number)}`;
    const table = {
      kind: 'route-table' as const,
      account: vpc.account,
      region: vpc.region,
      vpcId: vpc.id,
    };
    return [
      {
        ...table,
        id: mainTable(vpc),
        isMain: true,
        subnetIds: [],
        routes: [
          local,
          ...peerRoutes,
          ...toOthers,
          ...(this.#cutOff.has(vpc)
            ? []
            : [out, route('::/0', 'internet-gateway', `eigw-${hex(vpc.number)}`)]),
          route('10.97.0.0/16', 'blackhole', ''),
        ],
      },
      {
        ...table,
        id: publicTable(vpc),
        isMain: false,
        subnetIds: [0, 1].map((octet) => subnetId(vpc, octet)),
        routes: [
          local,
          ...peerRoutes,
          route('0.0.0.0/0', 'internet-gateway', igw),
          route('::/0', 'internet-gateway', igw),
        ],
      },
    ];
  }

  #addTransitGateways(add: Add): void {
    for (const number of TRANSIT_GATEWAYS) {
      const owner = tgwOwner(number);
      const id = tgwId(number);
      const attached = this.#attachedTo(number);
      add(owner, { kind: 'transit-gateway', id, ...owner });
      add(
        owner,
        transitAttachment({
          id: vpnId(number),
          owner,
          number,
          attached: 'vpn',
          attachedId: 'vpn-1',
        }),
      );
      for (const vpc of attached) {
        add(owner, {
          ...transitAttachment({
            id: attachmentId(vpc),
            owner,
            number,
            attached: 'vpc',
            attachedId: vpc.id,
          }),
          subnetIds: [subnetId(vpc, 2)],
        });
      }
      add(owner, {
        kind: 'transit-gateway-route-table',
        id: `tgw-rtb-${hex(number)}`,
        ...owner,
        transitGatewayId: id,
        associations: [...attached.map(attachmentId), ...peeringsOf(number).map(({ id }) => id)],
        routes: this.#transitRoutes(number),
      });
    }
    for (const [index, [one, other]] of TRANSIT_PEERINGS.entries()) {
      const peering = {
        kind: 'transit-gateway-peering' as const,
        id: peeringId(index),
        requester: { ...tgwOwner(one), transitGatewayId: tgwId(one) },
        accepter: { ...tgwOwner(other), transitGatewayId: tgwId(other) },
      };
      add(tgwOwner(one), peering);
      add(tgwOwner(other), peering);
    }
  }

  #transitRoutes(number: number): TransitGatewayRoute[] {
    const here = firstOfSpaces(this.#attachedTo(number));
    const routes = [...here].map(([space, vpc]) => ({
      destination: `10.${space}.0.0/16`,
      attachmentId: attachmentId(vpc),
    }));
    for (const { id, far } of peeringsOf(number)) {
      for (const space of firstOfSpaces(this.#attachedTo(far)).keys()) {
        const destination = `10.${space}.0.0/16`;
        if (routes.every((known) => known.destination !== destination)) {
          routes.push({ destination, attachmentId: id });
        }
      }
    }
    const [loop] = peeringsOf(number);
    const exit = this.#attachedTo(number).find(hasNat);
    return [
      ...routes,
      { destination: '10.99.0.0/16', attachmentId: loop?.id ?? '' },
      { destination: '10.98.0.0/16', attachmentId: '' },
      { destination: '172.16.0.0/12', attachmentId: vpnId(number) },
      ...(exit === undefined
        ? []
        : [{ destination: '0.0.0.0/0', attachmentId: attachmentId(exit) }]),
    ];
  }

  #attachedTo(number: number): Vpc[] {
    return this.vpcs.filter((vpc) => vpc.transitGateway === number && !this.#detached.has(vpc));
  }

  #addHosts(add: Add): void {
    const podsOf = new Map<Host, string[]>();
    for (const { host, address } of this.pods) {
      const own = podsOf.get(host);
      if (own === undefined) podsOf.set(host, [address]);
      else own.push(address);
    }
    for (const host of this.hosts) {
      const { vpc } = host.subnet;
      const { account, region } = vpc;
      const number = hostNumber(host);
      const instance = { kind: 'instance' as const, id: `i-${number}`, account, region };
      add(vpc, { ...instance, vpcId: vpc.id, subnetId: host.subnet.id, instanceType: 'm7g.large' });
      const octet = 4 + host.place;
      const own = [`10.${vpc.space}.${host.subnet.octet}.${octet}`, ...(podsOf.get(host) ?? [])];
      if (isDual(vpc)) own.push(`${v6Of(vpc, host.subnet.octet)}::${octet.toString(16)}`);
      const nic = interfaceAt(host.subnet, { id: `eni-${number}`, addresses: own });
      const isPublic = host.subnet.octet < 2;
      const publicAddress = `54.${vpc.number % 256}.${(vpc.number >> 8) * 2 + host.subnet.octet}.${octet}`;
      add(vpc, {
        ...nic,
        instanceId: instance.id,
        ...(isPublic ? { publicAddresses: [publicAddress] } : {}),
      });
    }
  }

  #cluster(number: number): Resource[] {
    const vpc = this.vpcs[number];
    if (vpc === undefined) return [];
    const clusterId = `cluster-${number}`;
    const own = this.pods.filter(({ subnet }) => subnet.vpc === vpc);
    const nodeName = (host: Host) => `node-${hostNumber(host)}`;
    const podName = (pod: Pod) => `pod-${pod.number}-${pod.life}`;
    const in_ = { clusterId, namespace: 'shop' };
    return [
      {
        kind: 'kubernetes-cluster',
        id: clusterId,
        name: clusterId,
        account: vpc.account,
        region: vpc.region,
        vpcId: vpc.id,
      },
      ...[...new Set(own.map(({ host }) => host))].map((host): Resource => {
        const name = nodeName(host);
        const instanceId = `i-${hostNumber(host)}`;
        return {
          kind: 'kubernetes-node',
          id: `${clusterId}/${name}`,
          clusterId,
          name,
          instanceId,
          addresses: [],
        };
      }),
      ...own.map((pod): Resource => {
        const name = podName(pod);
        const id = `${clusterId}/shop/${name}`;
        return {
          kind: 'kubernetes-pod',
          id,
          ...in_,
          name,
          nodeName: nodeName(pod.host),
          addresses: [pod.address],
          hostNetwork: false,
        };
      }),
      ...Array.from({ length: SERVICES }, (_, service): Resource => {
        const name = `service-${service}`;
        const endpoints = own
          .filter((pod) => Math.floor(pod.number / 50) % SERVICES === service)
          .map((pod) => ({ address: pod.address, podName: podName(pod) }));
        const clusterAddresses = [`172.20.${number}.${1 + service}`];
        return {
          kind: 'kubernetes-service',
          id: `${clusterId}/shop/${name}`,
          ...in_,
          name,
          clusterAddresses,
          endpoints,
        };
      }),
    ];
  }

  #anyHost(subnet: Subnet): Host {
    const hosts = this.#hostsOf.get(subnet) ?? [];
    return hosts[Math.floor(this.#random() * hosts.length)] as Host;
  }
}

type Add = (place: Place, ...resources: readonly Resource[]) => void;

/** Peers a VPC with the seventh after it, unless both have the same address space. */
function makePeerings(vpcs: readonly Vpc[]): (readonly [Vpc, Vpc])[] {
  return vpcs.flatMap((vpc) => {
    const other = vpcs[vpc.number + 7];
    const isChosen = vpc.number % 2 === 1 && other !== undefined && other.space !== vpc.space;
    return isChosen ? [[vpc, other] as const] : [];
  });
}

const pcxId = (one: Vpc, other: Vpc) => `pcx-${hex(one.number * 1000 + other.number)}`;
const peered = ({ account, region, id }: Vpc) => ({ account, region, vpcId: id });

function firstOfSpaces(vpcs: readonly Vpc[]): Map<number, Vpc> {
  return new Map(vpcs.toReversed().map((vpc) => [vpc.space, vpc]));
}

function peeringsOf(number: number): { readonly id: string; readonly far: number }[] {
  return TRANSIT_PEERINGS.flatMap(([one, other], index) => {
    if (one !== number && other !== number) return [];
    return [{ id: peeringId(index), far: one === number ? other : one }];
  });
}

function tgwOwner(number: number): Place {
  return { account: ACCOUNTS[number] as string, region: number === 2 ? 'eu-west-1' : 'us-east-1' };
}

function transitAttachment(parts: {
  readonly id: string;
  readonly owner: Place;
  readonly number: number;
  readonly attached: 'vpc' | 'vpn';
  readonly attachedId: string;
}): ResourceOf<'transit-gateway-attachment'> {
  const { id, owner, number, attached, attachedId } = parts;
  const transitGatewayId = tgwId(number);
  return {
    kind: 'transit-gateway-attachment',
    id,
    ...owner,
    transitGatewayId,
    attached,
    attachedId,
  };
}

const route = (
  destination: string,
  target: RouteEntry['target'],
  targetId: string,
): RouteEntry => ({
  destination,
  target,
  targetId,
});
