import { CoreV1Api, DiscoveryV1Api, KubeConfig, Watch } from '@kubernetes/client-node';
import type { Resource } from '../../graph/resource.ts';
import type { SliceContent } from '../slice-reader.ts';
import {
  type Cluster,
  nodeResource,
  objectKey,
  podResource,
  serviceAlone,
  serviceResources,
  sliceEndpoints,
} from './cluster-resources.ts';
import { EndableConfig } from './endable-config.ts';
import { type ListedPage, type ListPosition, WatchedCollection } from './watched-collection.ts';

/** Connects with the service account of the pod that the server runs in. */
const IN_CLUSTER = 'in-cluster';

export interface ClusterWatchDeps {
  readonly cluster: Cluster;
  /** `in-cluster` or the path of a kubeconfig, whose current context is used. */
  readonly access: string;
  readonly random: () => number;
  /** The time for a list or for connecting a watch; default 60,000. */
  readonly connectMillis?: number | undefined;
  readonly onChange: () => void;
  readonly onRelist: () => void;
  /** Called when a kind of object cannot be watched, and with undefined when it can again. */
  readonly onTrouble: (kind: string, error: Error | undefined) => void;
}

/** Per kind; about 300 bytes each. Kubernetes supports up to 150,000 pods per cluster. */
const MAX_OBJECTS = 200_000;

/** The watched objects of a cluster, kept current. */
export class ClusterWatch {
  readonly #deps: ClusterWatchDeps;
  readonly #config = new KubeConfig();
  readonly #nodes;
  readonly #pods;
  readonly #services;
  readonly #endpointSlices;

  /** @throws Error when there is no such kubeconfig or service account */
  constructor(deps: ClusterWatchDeps) {
    this.#deps = deps;
    const { cluster } = deps;
    if (deps.access === IN_CLUSTER) this.#config.loadFromCluster();
    else this.#config.loadFromFile(deps.access);
    const core = (signal: AbortSignal) => this.#endable(signal).makeApiClient(CoreV1Api);
    const discovery = (signal: AbortSignal) => this.#endable(signal).makeApiClient(DiscoveryV1Api);
    this.#nodes = this.#collection({
      kind: 'nodes',
      path: '/api/v1/nodes',
      list: (position, signal) => core(signal).listNode(position),
      read: (object) => nodeResource(cluster, object),
    });
    this.#pods = this.#collection({
      kind: 'pods',
      path: '/api/v1/pods',
      list: (position, signal) => core(signal).listPodForAllNamespaces(position),
      read: (object) => podResource(cluster, object),
    });
    this.#services = this.#collection({
      kind: 'services',
      path: '/api/v1/services',
      list: (position, signal) => core(signal).listServiceForAllNamespaces(position),
      read: (object) => serviceAlone(cluster, object),
    });
    this.#endpointSlices = this.#collection({
      kind: 'endpointslices',
      path: '/apis/discovery.k8s.io/v1/endpointslices',
      list: (position, signal) => discovery(signal).listEndpointSliceForAllNamespaces(position),
      read: (object) => sliceEndpoints(cluster, object),
    });
  }

  /** Runs until aborted; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#all.map((collection) => collection.run(signal)));
  }

  /** Undefined until every kind has been listed once: until then, a missing object may exist. */
  content(): SliceContent | undefined {
    if (!this.#all.every(({ isListed }) => isListed)) return undefined;
    const { cluster } = this.#deps;
    const resources: Resource[] = [
      { kind: 'kubernetes-cluster', ...cluster },
      ...this.#nodes.items.values(),
      ...[...this.#pods.items.values()].filter((pod) => pod !== undefined),
      ...serviceResources(this.#services.items.values(), this.#endpointSlices.items.values()),
    ];
    const refused = this.#all.reduce((sum, collection) => sum + collection.refused, 0);
    const warnings =
      refused === 0 ? [] : [`${refused} objects beyond ${MAX_OBJECTS} per kind are left out`];
    return { resources, warnings };
  }

  #endable(signal: AbortSignal): KubeConfig {
    return new EndableConfig(this.#config, signal);
  }

  get #all() {
    return [this.#nodes, this.#pods, this.#services, this.#endpointSlices];
  }

  #collection<Listed extends object, Item>(of: {
    readonly kind: string;
    readonly path: string;
    readonly list: (position: ListPosition, signal: AbortSignal) => Promise<ListedPage<Listed>>;
    readonly read: (object: Listed) => Item;
  }): WatchedCollection<Listed, Item> {
    const { random, onChange, onRelist, onTrouble } = this.#deps;
    return new WatchedCollection({
      path: of.path,
      list: of.list,
      watch: (signal) => new Watch(this.#endable(signal)),
      connectMillis: this.#deps.connectMillis,
      read: (object) => ({ key: objectKey(object), item: of.read(object) }),
      maxItems: MAX_OBJECTS,
      random,
      onChange,
      onRelist,
      onTrouble: (error) => onTrouble(of.kind, error),
    });
  }
}
