import type { ResourceKind, ResourceOf } from '../graph/resource.ts';
import { FOREVER } from '../graph/validity.ts';
import { isWithin, type Prefix, readPrefix } from './binary-address.ts';
import type { Histories, Steps } from './histories.ts';
import type { Place } from './place.ts';
import type { PlaceTables } from './place-tables.ts';
import type { PrefixIndex } from './prefix-index.ts';

/** What sources say that cannot be so, and what is made of it. */
export const ISSUE_KINDS = [
  'unreadable-address',
  'overlapping-subnets',
  'subnet-outside-network',
  'dangling-reference',
  'address-owned-twice',
  'routes-in-a-circle',
] as const;
export type IssueKind = (typeof ISSUE_KINDS)[number];

export interface Issue {
  readonly kind: IssueKind;
  /** What is wrong, with the ids it is about. */
  readonly message: string;
}

/** How each is resolved, by rule. */
export const RESOLUTIONS: Readonly<Record<IssueKind, string>> = {
  'unreadable-address': 'left out',
  'overlapping-subnets':
    'the longest prefix counts; of equal ones the newest, then the first by id',
  'subnet-outside-network': 'the subnet counts as it is',
  'dangling-reference': 'the reference counts for nothing',
  'address-owned-twice': 'who had it last counts; of several at once the first by id',
  'routes-in-a-circle': 'a route ends where it enters a route table for the second time',
};

/** Of each kind so many are named; all are counted. */
const MAX_NAMED = 100;

/** The issues of a graph as it stands now. */
export class Issues {
  readonly named: Issue[] = [];
  readonly counts = new Map<IssueKind, number>();

  add(kind: IssueKind, message: () => string): void {
    const count = (this.counts.get(kind) ?? 0) + 1;
    this.counts.set(kind, count);
    if (count <= MAX_NAMED) this.named.push({ kind, message: message() });
  }

  *find(histories: Histories, tables: PlaceTables): Steps {
    for (const { id, text } of tables.unreadable) {
      this.add('unreadable-address', () => `${id} says ${text}, which is no address or prefix`);
    }
    yield* this.#findTwice(tables.addresses, tables.places);
    yield* this.#findSubnetIssues(histories);
    yield* this.#findDangling(histories);
    yield;
    this.#findCircles(histories);
  }

  *#findTwice(addresses: PrefixIndex, places: readonly Place[]): Steps {
    yield* addresses.eachOverlap((value, other, isOpen) => {
      const [one, two] = [places[value], places[other]];
      if (!isOpen || one === undefined || two === undefined || one.id === two.id) return;
      this.add(
        'address-owned-twice',
        () => `${one.id} and ${two.id} have the same address in ${one.network}`,
      );
    });
  }

  *#findSubnetIssues(histories: Histories): Steps {
    const vpcs = current(histories, 'vpc');
    const ofVpc = new Map<string, OwnedPrefix[]>();
    for (const { id, vpcId, cidrs } of current(histories, 'subnet').values()) {
      const outer = vpcs.get(vpcId)?.cidrs.flatMap((cidr) => readPrefix(cidr) ?? []);
      const own = cidrs.flatMap((cidr) => readPrefix(cidr) ?? []).map((prefix) => ({ id, prefix }));
      const known = ofVpc.get(vpcId);
      if (known === undefined) ofVpc.set(vpcId, own);
      else known.push(...own);
      const isOutside = ({ prefix }: OwnedPrefix) =>
        outer?.some((candidate) => isWithin(prefix, candidate)) === false;
      if (!own.some(isOutside)) continue;
      this.add(
        'subnet-outside-network',
        () => `${id} (${cidrs.join(', ')}) is not within ${vpcId}`,
      );
    }
    for (const [vpcId, subnets] of ofVpc) {
      yield;
      this.#findOverlaps(vpcId, subnets.sort(byAddress));
    }
  }

  /** In order of address, what overlaps a prefix follows on it. */
  #findOverlaps(vpcId: string, subnets: readonly OwnedPrefix[]): void {
    for (const [i, { id, prefix }] of subnets.entries()) {
      for (let j = i + 1; j < subnets.length; j += 1) {
        const other = subnets[j];
        if (other === undefined || !isWithin(other.prefix, prefix)) break;
        if (other.id === id) continue;
        this.add('overlapping-subnets', () => `${id} and ${other.id} overlap in ${vpcId}`);
      }
    }
  }

  *#findDangling(histories: Histories): Steps {
    const known = (kind: ResourceKind) => new Set(current(histories, kind).keys());
    const [vpcs, subnets, gateways, attachments] = [
      known('vpc'),
      known('subnet'),
      known('transit-gateway'),
      new Set([...known('transit-gateway-attachment'), ...known('transit-gateway-peering')]),
    ];
    const [peerings, nats, nodes] = [
      known('vpc-peering'),
      known('nat-gateway'),
      known('kubernetes-node'),
    ];
    const check = (id: string, target: string | undefined, all: ReadonlySet<string>) => {
      if (target === undefined || target === '' || all.has(target)) return;
      this.add('dangling-reference', () => `${id} names ${target}, which nobody describes`);
    };
    for (const { id, vpcId } of current(histories, 'subnet').values()) check(id, vpcId, vpcs);
    yield* eachCurrent(histories, 'network-interface', ({ id, vpcId, subnetId }) => {
      check(id, vpcId, vpcs);
      check(id, subnetId, subnets);
    });
    const targets: Readonly<Record<string, ReadonlySet<string>>> = {
      'vpc-peering': peerings,
      'transit-gateway': gateways,
      'nat-gateway': nats,
    };
    for (const { id, vpcId, subnetIds, routes } of current(histories, 'route-table').values()) {
      check(id, vpcId, vpcs);
      for (const subnetId of subnetIds) check(id, subnetId, subnets);
      for (const { target, targetId } of routes) {
        const all = targets[target];
        if (all !== undefined) check(id, targetId, all);
      }
    }
    for (const table of current(histories, 'transit-gateway-route-table').values()) {
      check(table.id, table.transitGatewayId, gateways);
      for (const { attachmentId } of table.routes) check(table.id, attachmentId, attachments);
    }
    yield* eachCurrent(histories, 'kubernetes-pod', ({ id, clusterId, nodeName }) => {
      check(id, `${clusterId}/${nodeName}`, nodes);
    });
  }

  /** Routes of transit gateways that hand a destination to each other, without end. */
  #findCircles(histories: Histories): void {
    const peerings = current(histories, 'transit-gateway-peering');
    const tables = [...current(histories, 'transit-gateway-route-table').values()];
    const next = (tableId: string, destination: string): string | undefined => {
      const table = tables.find(({ id }) => id === tableId);
      const route = table?.routes.find((own) => own.destination === destination);
      const peering = peerings.get(route?.attachmentId ?? '');
      if (table === undefined || peering === undefined) return undefined;
      const { requester, accepter } = peering;
      const isRequester = requester.transitGatewayId === table.transitGatewayId;
      const far = (isRequester ? accepter : requester).transitGatewayId;
      return tables.find(
        ({ transitGatewayId, associations }) =>
          transitGatewayId === far && associations.includes(peering.id),
      )?.id;
    };
    for (const { id, routes } of tables) {
      for (const { destination } of routes) {
        const seen = [id];
        for (let at = next(id, destination); at !== undefined; at = next(at, destination)) {
          if (at === id && seen.every((own) => own >= id)) {
            this.add('routes-in-a-circle', () => `${destination} goes around ${seen.join(', ')}`);
          }
          if (seen.includes(at)) break;
          seen.push(at);
        }
      }
    }
  }
}

interface OwnedPrefix {
  readonly id: string;
  readonly prefix: Prefix;
}

function byAddress(a: OwnedPrefix, b: OwnedPrefix): number {
  for (let i = 0; i < 4; i += 1) {
    const difference = (a.prefix.address.words[i] ?? 0) - (b.prefix.address.words[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.prefix.length - b.prefix.length;
}

/** Those that are there now, by id. */
function current<Kind extends ResourceKind>(
  histories: Histories,
  kind: Kind,
): ReadonlyMap<string, ResourceOf<Kind>> {
  const there = new Map<string, ResourceOf<Kind>>();
  for (const history of histories.of(kind)) {
    const last = history.at(-1);
    if (last?.toSeconds === FOREVER) there.set(last.resource.id, last.resource);
  }
  return there;
}

/** As `current`, of kinds with so many that a map of them would take long. */
function eachCurrent<Kind extends ResourceKind>(
  histories: Histories,
  kind: Kind,
  act: (resource: ResourceOf<Kind>) => void,
): Steps {
  return histories.eachOf(kind, (history) => {
    const last = history.at(-1);
    if (last?.toSeconds === FOREVER) act(last.resource);
  });
}
