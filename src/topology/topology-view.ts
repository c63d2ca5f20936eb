import type { PodNames } from '../model/report.ts';
import type {
  FlowPath,
  InstanceFinder,
  InstanceRef,
  InstanceTraits,
  Located,
  PathEnd,
  TopologySnapshot,
  Vantage,
} from '../model/topology.ts';
import type { AddressBook } from './address-book.ts';
import { NO_TRAITS, type TraitsFinder } from './host-traits.ts';
import type { GraphSnapshot } from './snapshot/graph-snapshot.ts';
import type { Place } from './snapshot/place.ts';

export interface FoundAddress extends Located {
  /** "" for a published prefix. */
  readonly network: string;
  readonly interfaceId: string;
}

/**
 * The topology that flows are enriched from, in two layers. The graph holds what AWS, Kubernetes
 * and inventories describe and has precedence. The address book holds what agents report of their
 * own hosts; it is seconds old, and an update costs one map entry.
 */
export class TopologyView implements TopologySnapshot, InstanceFinder {
  readonly #graph: GraphSnapshot;
  readonly #book: AddressBook;
  readonly #agentTraits: TraitsFinder;

  /** @param agentTraits as agents report them; the graph has precedence */
  constructor(graph: GraphSnapshot, book: AddressBook, agentTraits: TraitsFinder = NO_TRAITS) {
    this.#graph = graph;
    this.#book = book;
    this.#agentTraits = agentTraits;
  }

  locate(address: string, vantage: Vantage): Located | undefined {
    // Without sources other than agents, a lookup skips the graph.
    const place = this.#graph.isEmpty ? undefined : this.#graph.locate(address, vantage);
    if (place === undefined) return this.#book.locate(address, vantage);
    return this.#withHost(place, address, vantage);
  }

  here(address: string, vantage: Vantage): Located | undefined {
    const place = this.#graph.here(address, vantage);
    return place && this.#withHost(place, address, vantage);
  }

  /** Every network that has the address, and its public owner; for people. */
  everywhere(address: string, timeSeconds: number): readonly FoundAddress[] {
    const places = this.#graph.everywhere(address, timeSeconds);
    const known = new Set(places.map(({ network }) => network));
    const fromGraph = places.map((place) => ({
      ...this.#withHost(place, address, { owner: place, timeSeconds }),
      network: place.network,
      interfaceId: place.interfaceId,
    }));
    const fromAgents = this.#book
      .everywhere(address, timeSeconds)
      .filter(({ vpcId }) => !known.has(vpcId))
      .map((endpoint) => ({ ...endpoint, network: endpoint.vpcId, interfaceId: '' }));
    return [...fromGraph, ...fromAgents];
  }

  instance(ref: InstanceRef, timeSeconds: number): InstanceTraits {
    const { imageId, instanceType, nodePool } = this.#graph.instance(ref, timeSeconds);
    const reported = this.#agentTraits.of(ref);
    return {
      imageId: imageId ?? reported?.imageId,
      instanceType: instanceType ?? reported?.instanceType,
      nodePool,
    };
  }

  zoneOf(subnetId: string, account: string): string {
    return this.#graph.zoneOf(subnetId, account) ?? this.#book.zoneOf(subnetId, account);
  }

  isLocalZone(zoneId: string): boolean {
    return this.#graph.isLocalZone(zoneId);
  }

  podNamesOf(local: PathEnd, remoteAddress: string, timeSeconds: number): PodNames | undefined {
    return this.#graph.podNamesOf(local, remoteAddress, timeSeconds);
  }

  pathOf(from: PathEnd, to: PathEnd, timeSeconds: number): FlowPath {
    return this.#graph.pathOf(from, to, timeSeconds);
  }

  /**
   * Adds the host from the address book if the graph knows only the network or subnet of an
   * address. Only claims of accounts that the graph gives the network to count. Those of the asking
   * account come first.
   */
  #withHost(
    place: Place,
    address: string,
    { owner, timeSeconds }: Pick<Vantage, 'owner' | 'timeSeconds'>,
  ): Located {
    if (place.isHost || place.vpcId === '') return place;
    const { vpcId } = place;
    const accounts = this.#graph.accountsOf(vpcId) ?? NO_ACCOUNTS;
    const { account } = owner;
    const host =
      (this.#graph.mayUse(account, vpcId) &&
        this.#book.locateIn({ account, vpcId }, address, timeSeconds)) ||
      this.#book.locateAmong(accounts, { vpcId, address, timeSeconds });
    if (host === undefined) return place;
    const { subnetId, az } = place.subnetId === '' ? host : place;
    return { ...place, subnetId, az, instanceId: host.instanceId };
  }
}

const NO_ACCOUNTS: ReadonlySet<string> = new Set();
