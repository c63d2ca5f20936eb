import { prefixOf } from '../model/address.ts';
import type { Endpoint } from '../model/enriched-flow.ts';
import type { Vantage } from '../model/topology.ts';

/**
 * A host's claim to an address over a time. `lastSeenSeconds` moves on while the host goes on
 * saying so; everything else stays, so snapshots may share it.
 */
export interface AddressClaim {
  readonly address: string;
  /** e.g. `10.0.1.0/24`. */
  readonly prefix: string;
  readonly endpoint: Endpoint;
  readonly fromSeconds: number;
  lastSeenSeconds: number;
}

/** A host that has not reported for this long may have lost its address to another. */
export const CLAIM_SECONDS = 300;

/** Answers about addresses nobody has are remembered up to this many a network. */
const MAX_REMEMBERED = 100_000;

export interface AddressBookDeps {
  readonly claims: Iterable<AddressClaim>;
  /** Called when several hosts claim an address at the time it was looked up for. */
  readonly onAmbiguous: () => void;
}

/** Who had which address when, of all networks that agents have described. */
export class AddressBook {
  readonly #networks = new Map<string, Network>();
  /** The networks of each account and Region: where an address not of the own network may be. */
  readonly #networksOf = new Map<string, Network[]>();
  /** "" where a subnet's hosts disagree. */
  readonly #zones = new Map<string, string>();
  readonly #onAmbiguous: () => void;

  constructor(deps: AddressBookDeps) {
    this.#onAmbiguous = deps.onAmbiguous;
    const claims = [...deps.claims];
    for (const claim of currentClaims(claims)) this.#agreeOnZone(claim.endpoint);
    for (const claim of claims) this.#networkOf(claim.endpoint).add(claim, this.#zones);
  }

  /** In the network itself, then in others of the same account and Region. */
  locate(address: string, vantage: Vantage): Endpoint | undefined {
    const own = this.#networks.get(vantage.vpcId);
    const found = own?.find(address, vantage.timeSeconds);
    if (found !== undefined && found !== 'several') return found;
    if (found === 'several') this.#onAmbiguous();
    const subnet = own?.subnetAround(address);
    if (subnet !== undefined || found === 'several') return subnet;
    return this.#inOtherNetworks(address, vantage, own);
  }

  /** In one network only. */
  locateIn(vpcId: string, address: string, timeSeconds: number): Endpoint | undefined {
    const network = this.#networks.get(vpcId);
    const found = network?.find(address, timeSeconds);
    return found === undefined || found === 'several' ? network?.subnetAround(address) : found;
  }

  /** In every network that has a host or subnet with it. */
  everywhere(address: string, timeSeconds: number): readonly Endpoint[] {
    return [...this.#networks.keys()].flatMap(
      (vpcId) => this.locateIn(vpcId, address, timeSeconds) ?? [],
    );
  }

  zoneOf(subnetId: string): string {
    return this.#zones.get(subnetId) ?? '';
  }

  /** Overlapping address spaces: an address in two other networks could be either. */
  #inOtherNetworks(address: string, vantage: Vantage, own?: Network): Endpoint | undefined {
    const { account, region } = vantage.owner;
    let found: Endpoint | undefined;
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

  /** A host that does not say its zone does not disagree. */
  #agreeOnZone({ subnetId, az }: Endpoint): void {
    if (subnetId === '' || az === '') return;
    const known = this.#zones.get(subnetId);
    this.#zones.set(subnetId, known === undefined || known === az ? az : '');
  }

  #networkOf({ vpcId, account, region }: Endpoint): Network {
    const known = this.#networks.get(vpcId);
    if (known !== undefined) return known;
    const network = new Network();
    this.#networks.set(vpcId, network);
    const key = `${account}/${region}`;
    this.#networksOf.set(key, [...(this.#networksOf.get(key) ?? []), network]);
    return network;
  }
}

/** Of each subnet the claims not older than its newest: a zone a host had once does not count. */
function currentClaims(claims: readonly AddressClaim[]): AddressClaim[] {
  const newest = new Map<string, number>();
  for (const { endpoint, lastSeenSeconds } of claims) {
    newest.set(
      endpoint.subnetId,
      Math.max(lastSeenSeconds, newest.get(endpoint.subnetId) ?? lastSeenSeconds),
    );
  }
  return claims.filter(({ endpoint, lastSeenSeconds }) => {
    return lastSeenSeconds >= (newest.get(endpoint.subnetId) ?? 0) - CLAIM_SECONDS;
  });
}

interface PlacedClaim {
  readonly claim: AddressClaim;
  /** With the zone its subnet's hosts agree on. */
  readonly endpoint: Endpoint;
}

/** One address space (VPC). */
class Network {
  readonly #claims = new Map<string, PlacedClaim[]>();
  /** Subnets by prefix length, then by prefix: the longest that holds an address is its subnet. */
  readonly #subnets = new Map<number, Map<string, Endpoint>>();
  readonly #around = new Map<string, Endpoint | undefined>();

  add(claim: AddressClaim, zones: ReadonlyMap<string, string>): void {
    const { subnetId } = claim.endpoint;
    const az = subnetId === '' ? claim.endpoint.az : (zones.get(subnetId) ?? '');
    const endpoint = { ...claim.endpoint, az };
    const placed = this.#claims.get(claim.address);
    if (placed === undefined) this.#claims.set(claim.address, [{ claim, endpoint }]);
    else placed.push({ claim, endpoint });
    if (subnetId === '') return;
    const length = Number(claim.prefix.slice(claim.prefix.indexOf('/') + 1));
    const subnets = this.#subnets.get(length) ?? new Map<string, Endpoint>();
    subnets.set(claim.prefix, { ...endpoint, instanceId: '' });
    this.#subnets.set(length, subnets);
  }

  /** A host that moved within its network is where it was last at that time. */
  find(address: string, timeSeconds: number): Endpoint | 'several' | undefined {
    let found: PlacedClaim | undefined;
    for (const placed of this.#claims.get(address) ?? []) {
      if (!isLive(placed.claim, timeSeconds)) continue;
      if (found === undefined) found = placed;
      else if (placed.endpoint.instanceId !== found.endpoint.instanceId) return 'several';
      else if (isLater(placed.claim, found.claim, timeSeconds)) found = placed;
    }
    return found?.endpoint;
  }

  subnetAround(address: string): Endpoint | undefined {
    if (this.#around.has(address)) return this.#around.get(address);
    const found = this.#longestPrefix(address);
    if (this.#around.size < MAX_REMEMBERED) this.#around.set(address, found);
    return found;
  }

  #longestPrefix(address: string): Endpoint | undefined {
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

/** Whether a claim counts at a time: while its host said so, and a while before and after. */
export function isLive(
  { fromSeconds, lastSeenSeconds }: AddressClaim,
  timeSeconds: number,
): boolean {
  return (
    timeSeconds >= fromSeconds - CLAIM_SECONDS && timeSeconds <= lastSeenSeconds + CLAIM_SECONDS
  );
}

/** Whether a claim began later than another, but not after the time. */
function isLater(claim: AddressClaim, other: AddressClaim, timeSeconds: number): boolean {
  if (claim.fromSeconds > timeSeconds) return false;
  return other.fromSeconds > timeSeconds || claim.fromSeconds > other.fromSeconds;
}
