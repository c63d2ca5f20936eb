import { LIMITS } from '../../model/limits.ts';
import { isValidAt, type Validity } from '../graph/validity.ts';
import type { AddressRanges } from './address-ranges.ts';
import type { BinaryAddress } from './binary-address.ts';
import { firstAbove } from './first-above.ts';
import { NO_TABLE, type Route, type RouteStart, type Routing } from './routing.ts';

/** Routes and starts in the cache; about 250 bytes each. */
const MAX_CACHED = LIMITS.cachedRoutes.total;

/** The routes from a route table of a network, by the range of the destination address. */
interface CachedStart {
  readonly vpcId: string;
  readonly routes: Map<number, Route>;
}

/** The cache of a time between two changes of routes, in which all routes stay the same. */
interface Epoch extends Validity {
  readonly startOfSubnet: Map<string, CachedStart>;
  readonly startOfNetwork: Map<string, CachedStart>;
  /** Shared by the subnets of a route table. */
  readonly startOfTable: Map<number, CachedStart>;
}

/**
 * Walks each route once. One entry serves all addresses of a range, from one route table, between
 * two changes of the tables. All route tables treat the addresses of a range alike. A full cache is
 * emptied.
 */
export class RouteCache {
  readonly #routing: Routing;
  readonly #ranges: AddressRanges;
  /** The times of changes, ascending. */
  readonly #changes: Float64Array;
  readonly #epochs = new Map<number, Epoch>();
  /** The epoch of the last lookup. */
  #epoch = makeEpoch(0, 0);
  #count = 0;

  constructor(routing: Routing, ranges: AddressRanges, changes: Iterable<number>) {
    this.#routing = routing;
    this.#ranges = ranges;
    this.#changes = Float64Array.from(new Set(changes)).sort();
  }

  to(address: BinaryAddress, from: RouteStart, timeSeconds: number): Route {
    const { vpcId, routes } = this.#start(from, timeSeconds);
    // The subnet and its route table are described in different networks, so do not cache.
    if (vpcId !== from.vpcId) return this.#routing.walk(from, address, timeSeconds);
    const range = this.#ranges.of(address);
    const known = routes.get(range);
    if (known !== undefined) return known;
    const route = this.#routing.walk(from, address, timeSeconds);
    routes.set(range, route);
    this.#countOne();
    return route;
  }

  #start({ vpcId, subnetId }: RouteStart, timeSeconds: number): CachedStart {
    const epoch = this.#epochAt(timeSeconds);
    const starts = subnetId === '' ? epoch.startOfNetwork : epoch.startOfSubnet;
    const id = subnetId === '' ? vpcId : subnetId;
    const known = starts.get(id);
    if (known !== undefined) return known;
    const start = this.#startAt(this.#routing.tableAt(vpcId, subnetId, timeSeconds), vpcId, epoch);
    starts.set(id, start);
    this.#countOne();
    return start;
  }

  #startAt(table: number, vpcId: string, { startOfTable }: Epoch): CachedStart {
    const shared = startOfTable.get(table);
    if (shared?.vpcId === vpcId) return shared;
    const start = { vpcId, routes: new Map<number, Route>() };
    if (table !== NO_TABLE && shared === undefined) startOfTable.set(table, start);
    return start;
  }

  #epochAt(timeSeconds: number): Epoch {
    const last = this.#epoch;
    if (isValidAt(last, timeSeconds)) return last;
    const changes = this.#changes;
    const next = firstAbove(changes, timeSeconds);
    const toSeconds = changes[next] ?? Number.POSITIVE_INFINITY;
    this.#epoch = this.#epochs.get(next) ?? makeEpoch(changes[next - 1] ?? 0, toSeconds);
    this.#epochs.set(next, this.#epoch);
    return this.#epoch;
  }

  #countOne(): void {
    this.#count += 1;
    if (this.#count <= MAX_CACHED) return;
    this.#epochs.clear();
    this.#epoch = makeEpoch(0, 0);
    this.#count = 0;
  }
}

function makeEpoch(fromSeconds: number, toSeconds: number): Epoch {
  return {
    fromSeconds,
    toSeconds,
    startOfSubnet: new Map(),
    startOfNetwork: new Map(),
    startOfTable: new Map(),
  };
}
