import { canonicalAddress } from '../../model/address.ts';
import { type ApiPod, type ApiService, parsePod, parseService } from './api-object.ts';
import { type ApiAccess, ApiWatch } from './api-watch.ts';

/** A node has 110 pods by default, and some hundred at most. */
const MAX_PODS = 4_096;
const MAX_SERVICES = 4_096;

/** Each namespace takes a connection to the API server. */
export const MAX_NAMESPACES = 64;

export interface PodWatchDeps extends ApiAccess {
  readonly nodeName: string;
}

export interface Pod {
  readonly name: string;
  readonly namespace: string;
  /** The first service, by name, that selects the pod; "" when none does. */
  readonly serviceName: string;
}

/**
 * Follows the pods of one node, by address, and the services of their namespaces; it requests
 * nothing else from the cluster. Pods in the node's own network are left out: they share the node's
 * address.
 */
export class PodWatch {
  readonly #deps: PodWatchDeps;
  readonly #watch: ApiWatch<ApiPod>;
  /** By namespace. */
  readonly #serviceWatches = new Map<string, ApiWatch<ApiService>>();
  readonly #services = new Map<string, readonly ApiService[]>();
  readonly #stopping = new Set<Promise<void>>();
  #pods: readonly ApiPod[] = [];
  #byAddress: ReadonlyMap<string, Pod> = new Map();

  constructor(deps: PodWatchDeps) {
    this.#deps = deps;
    this.#watch = new ApiWatch({
      access: deps,
      path: '/api/v1/pods',
      fieldSelector: `spec.nodeName=${deps.nodeName}`,
      parse: parsePod,
      max: MAX_PODS,
      onChange: (pods) => this.#keep(pods),
    });
  }

  start(): void {
    this.#watch.start();
  }

  async stop(): Promise<void> {
    await this.#watch.stop();
    for (const namespace of this.#serviceWatches.keys()) this.#forget(namespace);
    await Promise.all(this.#stopping);
    this.#deps.connections.destroy();
  }

  podOf(address: string): Pod | undefined {
    return this.#byAddress.get(address);
  }

  #keep(pods: readonly ApiPod[]): void {
    this.#pods = pods;
    this.#followNamespaces();
    this.#name();
  }

  /** Watches services only in the namespaces that have a pod on this node. */
  #followNamespaces(): void {
    const shown = this.#pods.filter(({ addresses }) => addresses.length > 0);
    const wanted = new Set(shown.map(({ namespace }) => namespace));
    for (const namespace of this.#serviceWatches.keys()) {
      if (!wanted.has(namespace)) this.#forget(namespace);
    }
    for (const namespace of wanted) {
      if (this.#serviceWatches.has(namespace)) continue;
      if (this.#serviceWatches.size >= MAX_NAMESPACES) {
        this.#deps.log.warn('cannot follow services: too many namespaces', { namespace });
        return;
      }
      const watch = new ApiWatch({
        access: this.#deps,
        path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/services`,
        parse: parseService,
        max: MAX_SERVICES,
        onChange: (services) => {
          this.#services.set(namespace, services);
          this.#name();
        },
      });
      this.#serviceWatches.set(namespace, watch);
      watch.start();
    }
  }

  #forget(namespace: string): void {
    const watch = this.#serviceWatches.get(namespace);
    if (watch === undefined) return;
    this.#serviceWatches.delete(namespace);
    this.#services.delete(namespace);
    const stopping = watch.stop().finally(() => this.#stopping.delete(stopping));
    this.#stopping.add(stopping);
  }

  #name(): void {
    this.#byAddress = new Map(
      this.#pods.flatMap((pod) => {
        const { name, namespace } = pod;
        const serviceName = serviceOf(pod, this.#services.get(namespace) ?? []);
        return pod.addresses.flatMap((text) => {
          const address = canonicalAddress(text);
          return address === undefined
            ? []
            : [[address, { name, namespace, serviceName }] as const];
        });
      }),
    );
  }
}

function serviceOf({ labels }: ApiPod, services: readonly ApiService[]): string {
  const selecting = services.filter(({ selector }) => {
    const wanted = Object.entries(selector);
    return wanted.length > 0 && wanted.every(([label, value]) => labels[label] === value);
  });
  const [first = ''] = selecting.map(({ name }) => name).sort();
  return first;
}
