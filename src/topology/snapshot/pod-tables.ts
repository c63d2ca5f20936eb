import type { KubernetesPodResource } from '../graph/resource.ts';
import type { Histories, History, Steps } from './histories.ts';
import { indexHistory } from './index-history.ts';
import { makePlace, type Place } from './place.ts';
import type { PlaceTables } from './place-tables.ts';
import { PrefixIndex } from './prefix-index.ts';

/** A pod or service. */
export interface PodName {
  readonly clusterId: string;
  readonly namespace: string;
  readonly name: string;
}

/** Pods and services by address, in the network of the nodes of their cluster. */
export class PodTables {
  readonly names: PodName[] = [];
  /** Pods with addresses of their own. */
  readonly pods = new PrefixIndex();
  /** Pods that share their node's addresses. */
  readonly hostPods = new PrefixIndex();
  /** Services by their cluster addresses. */
  readonly services = new PrefixIndex();
  /** Services by the addresses of their endpoints. */
  readonly servicesOfPods = new PrefixIndex();
  /** The place of the node of each pod, by the index of the pod in `names`. */
  readonly placeOfPod = new Map<number, Place>();
  readonly #places: PlaceTables;
  readonly #nodes = new Map<string, Place>();
  readonly #spaceOf = new Map<string, number>();

  constructor(places: PlaceTables) {
    this.#places = places;
  }

  get isEmpty(): boolean {
    return this.names.length === 0;
  }

  *read(histories: Histories): Steps {
    yield* histories.eachHistory('kubernetes-cluster', (history) => {
      const cluster = history.at(-1)?.resource;
      if (cluster?.vpcId === undefined) return;
      this.#spaceOf.set(cluster.id, this.#places.numberOf(cluster.vpcId));
    });
    yield* histories.eachHistory('kubernetes-node', (history) => this.#readNode(history));
    yield* histories.eachHistory('kubernetes-pod', (history) => this.#readPod(history));
    yield* histories.eachHistory('kubernetes-service', (history) => this.#readService(history));
  }

  #readNode(history: History<'kubernetes-node'>): void {
    const node = history.at(-1)?.resource;
    if (node === undefined) return;
    const { id, clusterId, instanceId = '' } = node;
    const place = this.#places.placeOfInstance.get(instanceId) ?? makePlace({ id, instanceId });
    this.#nodes.set(id, place);
    const isUnplaced = place.network !== '' && !this.#spaceOf.has(clusterId);
    if (isUnplaced) this.#spaceOf.set(clusterId, this.#places.numberOf(place.network));
  }

  #readPod(history: History<'kubernetes-pod'>): void {
    const pod = history.at(-1)?.resource;
    const space = this.#spaceOf.get(pod?.clusterId ?? '');
    if (pod === undefined || space === undefined) return;
    const index = pod.hostNetwork ? this.hostPods : this.pods;
    // A pod that is recreated on another node gets another index, although its name stays.
    let last: KubernetesPodResource | undefined;
    const values = history.map(({ resource }) => {
      if (last?.nodeName === resource.nodeName) return this.names.length - 1;
      last = resource;
      const value = this.#name(resource);
      const node = this.#nodes.get(`${resource.clusterId}/${resource.nodeName}`);
      if (node !== undefined) this.placeOfPod.set(value, node);
      return value;
    });
    indexHistory(index, history, ({ addresses }, i) =>
      addresses.map((prefix) => ({ space, prefix, value: values[i] ?? 0 })),
    );
  }

  #readService(history: History<'kubernetes-service'>): void {
    const service = history.at(-1)?.resource;
    const space = this.#spaceOf.get(service?.clusterId ?? '');
    if (service === undefined || space === undefined) return;
    const value = this.#name(service);
    indexHistory(this.services, history, ({ clusterAddresses }) =>
      clusterAddresses.map((prefix) => ({ space, prefix, value })),
    );
    indexHistory(this.servicesOfPods, history, ({ endpoints }) =>
      endpoints.map(({ address }) => ({ space, prefix: address, value })),
    );
  }

  #name({ clusterId, namespace, name }: Pick<KubernetesPodResource, keyof PodName>): number {
    this.names.push({ clusterId, namespace, name });
    return this.names.length - 1;
  }
}
