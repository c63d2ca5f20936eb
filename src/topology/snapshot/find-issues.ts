import { isWithin, type Prefix, readPrefix } from './binary-address.ts';
import { findDangling } from './find-dangling.ts';
import { findRoutingLoops } from './find-routing-loops.ts';
import type { Histories, Steps } from './histories.ts';
import type { Place } from './place.ts';
import type { PlaceTables } from './place-tables.ts';
import type { PrefixIndex } from './prefix-index.ts';

/** Contradictions and errors in the descriptions that sources give. */
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
  /** For people; names the resources concerned by id. */
  readonly message: string;
}

/** How lookups and paths treat each kind of issue. */
export const RESOLUTIONS: Readonly<Record<IssueKind, string>> = {
  'unreadable-address': 'the address is ignored',
  'overlapping-subnets':
    'the longest prefix applies; of equal prefixes the newest, then the one with the lowest id',
  'subnet-outside-network': 'the subnet is used as described',
  'dangling-reference': 'the reference is ignored',
  'address-owned-twice':
    'the latest owner applies; of simultaneous owners the one with the lowest id',
  'routes-in-a-circle': 'a route ends where it enters a route table for the second time',
};

/** Issues listed of each kind; the rest are only counted. */
const MAX_NAMED = 100;

/** The issues of the current resources of a graph. */
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
      this.add('unreadable-address', () => `${id}: ${text} is not an address or prefix`);
    }
    yield* this.#findAddressesOwnedTwice(tables.addresses, tables.places);
    yield* this.#findSubnetIssues(histories);
    yield* findDangling(histories, (id, target) => {
      this.add('dangling-reference', () => `${id} refers to ${target}, which no source describes`);
    });
    yield;
    findRoutingLoops(histories, (destination, tableIds) => {
      this.add(
        'routes-in-a-circle',
        () => `${tableIds.join(', ')} route ${destination} in a circle`,
      );
    });
  }

  *#findAddressesOwnedTwice(addresses: PrefixIndex, places: readonly Place[]): Steps {
    yield* addresses.eachOverlap((value, other, isCurrent) => {
      const [one, two] = [places[value], places[other]];
      if (!isCurrent || one === undefined || two === undefined || one.id === two.id) return;
      this.add(
        'address-owned-twice',
        () => `${one.id} and ${two.id} have the same address in ${one.network}`,
      );
    });
  }

  *#findSubnetIssues(histories: Histories): Steps {
    const vpcs = histories.current('vpc');
    const ofVpc = new Map<string, OwnedPrefix[]>();
    for (const { id, vpcId, cidrs } of histories.current('subnet').values()) {
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
        () => `${id} (${cidrs.join(', ')}) is outside of ${vpcId}`,
      );
    }
    for (const [vpcId, subnets] of ofVpc) {
      yield;
      this.#findOverlaps(vpcId, subnets.sort(byAddress));
    }
  }

  /** Sorted by address, the prefixes within a prefix directly follow it. */
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
