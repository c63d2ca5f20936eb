import { appendTo } from '../lib/append-to.ts';
import { prefixOf } from '../model/address.ts';
import type { FlowEnd } from '../model/enriched-flow.ts';
import type { Vantage } from '../model/topology.ts';

/**
 * A host's claim to an address, over a range of time. Each report of the host moves
 * `lastSeenSeconds` forward. Nothing else changes, so snapshots share the object.
 */
export interface AddressClaim {
  readonly address: string;
  /** e.g. `10.0.1.0/24`. */
  readonly prefix: string;
  readonly endpoint: FlowEnd;
  readonly fromSeconds: number;
  lastSeenSeconds: number;
}

/** After this long without a report, another host may have taken the address. */
export const CLAIM_SECONDS = 300;

/** Subnets cached per network, by address, for addresses that no host claims. */
const MAX_CACHED = 100_000;

export interface AddressBookDeps {
  readonly claims: Iterable<AddressClaim>;
  /** Called when several hosts claim a looked-up address at the time in question. */
  readonly onAmbiguous: () => void;
}

/** A network as the hosts of one account describe it. */
export interface NetworkRef {
  readonly account: string;
  readonly vpcId: string;
}

/**
 * The addresses that hosts claimed, with times, in all networks that agents describe. The networks
 * of two accounts are two networks, also when they have the same id.
 */
export class AddressBook {
  /** By `networkKey`. */
  readonly #networks = new Map<string, Network>();
  /** The networks of each account and Region. */
  readonly #networksOf = new Map<string, Network[]>();
  /** The zone of each subnet of an account; "" where its hosts report different ones. */
  readonly #zones = new Map<string, string>();
  readonly #onAmbiguous: () => void;

  constructor(deps: AddressBookDeps) {
    this.#onAmbiguous = deps.onAmbiguous;
    const claims = [...deps.claims];
    for (const claim of currentClaims(claims)) this.#agreeOnZone(claim.endpoint);
    for (const claim of claims) {
      const { account, subnetId } = claim.endpoint;
      this.#networkOf(claim.endpoint).add(claim, this.zoneOf(subnetId, account));
    }
  }

  /** Looks in the network itself, then in the others of the same account and Region. */
  locate(address: string, vantage: Vantage): FlowEnd | undefined {
    const { account } = vantage.owner;
    const own = this.#networks.get(networkKey({ account, vpcId: vantage.vpcId }));
    const found = own?.find(address, vantage.timeSeconds);
    if (found !== undefined && found !== 'several') return found;
    if (found === 'several') this.#onAmbiguous();
    const subnet = own?.subnetAround(address);
    if (subnet !== undefined || found === 'several') return subnet;
    return this.#inOtherNetworks(address, vantage, own);
  }

  /** Looks in one network only. */
  locateIn(ref: NetworkRef, address: string, timeSeconds: number): FlowEnd | undefined {
    return this.#networks.get(networkKey(ref))?.locate(address, timeSeconds);
  }

  /**
   * Looks an address up in the network with this id, once for each of the accounts that describe
   * it. Undefined if two of them have a host with the address.
   */
  locateAmong(accounts: ReadonlySet<string>, lookup: NetworkLookup): FlowEnd | undefined {
    const { vpcId, address, timeSeconds } = lookup;
    let found: FlowEnd | undefined;
    for (const account of accounts) {
      const one = this.locateIn({ account, vpcId }, address, timeSeconds);
      if (one === undefined || (found !== undefined && one.instanceId === '')) continue;
      if (found !== undefined && found.instanceId !== '') {
        this.#onAmbiguous();
        return undefined;
      }
      found = one;
    }
    return found;
  }

  /** Looks in every network; one entry for each that has a host or subnet with the address. */
  everywhere(address: string, timeSeconds: number): readonly FlowEnd[] {
    return [...this.#networks.values()].flatMap(
      (network) => network.locate(address, timeSeconds) ?? [],
    );
  }

  zoneOf(subnetId: string, account: string): string {
    return this.#zones.get(subnetKey(subnetId, account)) ?? '';
  }

  /** Address spaces may overlap, so an address found in two other networks is not resolved. */
  #inOtherNetworks(address: string, vantage: Vantage, own?: Network): FlowEnd | undefined {
    const { account, region } = vantage.owner;
    let found: FlowEnd | undefined;
    for (const network of this.#networksOf.get(`${account}/${region}`) ?? []) {
      const owner = network === own ? undefined : network.find(address, vantage.timeSeconds);
      if (owner === undefined) continue;
      if (owner === 'several' || found !== undefined) {
        this.#onAmbiguous();
        return undefined;
      }
      found = owner;
    }
    return found;
  }

  /** A host without a zone does not count as a contradiction. */
  #agreeOnZone({ account, subnetId, az }: FlowEnd): void {
    if (subnetId === '' || az === '') return;
    const key = subnetKey(subnetId, account);
    const known = this.#zones.get(key);
    this.#zones.set(key, known === undefined || known === az ? az : '');
  }

  #networkOf({ vpcId, account, region }: FlowEnd): Network {
    const key = networkKey({ account, vpcId });
    const known = this.#networks.get(key);
    if (known !== undefined) return known;
    const network = new Network();
    this.#networks.set(key, network);
    appendTo(this.#networksOf, `${account}/${region}`, network);
    return network;
  }
}

/**
 * Drops the claims of each subnet last seen over CLAIM_SECONDS before its newest one. Such claims
 * may name a former zone, which must not count.
 */
function currentClaims(claims: readonly AddressClaim[]): AddressClaim[] {
  const newest = new Map<string, number>();
  const keyOf = ({ endpoint }: AddressClaim) => subnetKey(endpoint.subnetId, endpoint.account);
  for (const claim of claims) {
    const key = keyOf(claim);
    const { lastSeenSeconds } = claim;
    newest.set(key, Math.max(lastSeenSeconds, newest.get(key) ?? lastSeenSeconds));
  }
  return claims.filter((claim) => {
    return claim.lastSeenSeconds >= (newest.get(keyOf(claim)) ?? 0) - CLAIM_SECONDS;
  });
}

function networkKey({ account, vpcId }: NetworkRef): string {
  return `${account} ${vpcId}`;
}

function subnetKey(subnetId: string, account: string): string {
  return `${account} ${subnetId}`;
}

export interface NetworkLookup {
  readonly vpcId: string;
  readonly address: string;
  readonly timeSeconds: number;
}

interface PlacedClaim {
  readonly claim: AddressClaim;
  /** Its zone is the one that all hosts of the subnet report. */
  readonly endpoint: FlowEnd;
}

/** One address space (VPC). */
class Network {
  readonly #claims = new Map<string, PlacedClaim[]>();
  /** Subnets by prefix length, then by prefix, for longest-prefix matching. */
  readonly #subnets = new Map<number, Map<string, FlowEnd>>();
  /** Cached results of `subnetAround`. */
  readonly #around = new Map<string, FlowEnd | undefined>();

  /** @param zone the zone of its subnet */
  add(claim: AddressClaim, zone: string): void {
    const { subnetId } = claim.endpoint;
    const az = subnetId === '' ? claim.endpoint.az : zone;
    const endpoint = { ...claim.endpoint, az };
    appendTo(this.#claims, claim.address, { claim, endpoint });
    if (subnetId === '') return;
    const length = Number(claim.prefix.slice(claim.prefix.indexOf('/') + 1));
    const subnets = this.#subnets.get(length) ?? new Map<string, FlowEnd>();
    subnets.set(claim.prefix, { ...endpoint, instanceId: '' });
    this.#subnets.set(length, subnets);
  }

  /** A host that moved within its network has the subnet of its latest claim at that time. */
  find(address: string, timeSeconds: number): FlowEnd | 'several' | undefined {
    let found: PlacedClaim | undefined;
    for (const placed of this.#claims.get(address) ?? []) {
      if (!isLive(placed.claim, timeSeconds)) continue;
      if (found === undefined) found = placed;
      else if (placed.endpoint.instanceId !== found.endpoint.instanceId) return 'several';
      else if (isLater(placed.claim, found.claim, timeSeconds)) found = placed;
    }
    return found?.endpoint;
  }

  /** The host with the address; its subnet where no host, or several, claim it. */
  locate(address: string, timeSeconds: number): FlowEnd | undefined {
    const found = this.find(address, timeSeconds);
    return found === undefined || found === 'several' ? this.subnetAround(address) : found;
  }

  subnetAround(address: string): FlowEnd | undefined {
    if (this.#around.has(address)) return this.#around.get(address);
    const found = this.#longestPrefix(address);
    if (this.#around.size < MAX_CACHED) this.#around.set(address, found);
    return found;
  }

  #longestPrefix(address: string): FlowEnd | undefined {
    const longest = address.includes(':') ? 128 : 32;
    const lengths = [...this.#subnets.keys()].sort((a, b) => b - a);
    for (const length of lengths) {
      if (length > longest) continue;
      const subnet = this.#subnets.get(length)?.get(prefixOf(address, length));
      if (subnet !== undefined) return subnet;
    }
    return undefined;
  }
}

/** Whether a claim covers a time, extended by CLAIM_SECONDS at both ends. */
export function isLive(
  { fromSeconds, lastSeenSeconds }: AddressClaim,
  timeSeconds: number,
): boolean {
  return (
    timeSeconds >= fromSeconds - CLAIM_SECONDS && timeSeconds <= lastSeenSeconds + CLAIM_SECONDS
  );
}

/**
 * Whether `claim` applies rather than `other` at a time: it began by then, and `other` began
 * earlier or only after that time.
 */
function isLater(claim: AddressClaim, other: AddressClaim, timeSeconds: number): boolean {
  if (claim.fromSeconds > timeSeconds) return false;
  return other.fromSeconds > timeSeconds || claim.fromSeconds > other.fromSeconds;
}
