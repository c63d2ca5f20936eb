import type { Clock } from '../../lib/clock.ts';
import { type InstanceMetadata, NO_METADATA } from './instance-metadata.ts';

/** The metadata may change while the host runs, for example when a card is attached. */
const REFRESH_MILLIS = 10 * 60_000;
const DEFAULT_NETWORK = 'default';

/** The identity given by options. It overrides the metadata service's. */
export interface GivenIdentity {
  readonly instanceId: string | undefined;
  /** Absent: the VPC of the first card, else `default`. */
  readonly network: string | undefined;
  readonly zone: string | undefined;
  /** The zone when neither the options nor the metadata service name one. */
  readonly defaultZone: string;
  readonly k8sNodeName: string | undefined;
  readonly k8sClusterName: string | undefined;
}

export interface HostIdentity extends InstanceMetadata {
  readonly network: string;
  readonly k8sNodeName: string | undefined;
  readonly k8sClusterName: string | undefined;
}

export interface HostIdentityDeps {
  readonly given: GivenIdentity;
  readonly readMetadata: () => Promise<InstanceMetadata>;
  readonly steady: Clock;
}

/**
 * Gives the host's identity. Reads the metadata service at the start and every ten minutes, without
 * making callers of `current` wait. Keeps the last metadata when the service stops answering.
 */
export class HostIdentityReader {
  readonly #deps: HostIdentityDeps;
  #metadata = NO_METADATA;
  #readAt = 0;
  #reading: Promise<void> | undefined;

  constructor(deps: HostIdentityDeps) {
    this.#deps = deps;
  }

  /** Reads the metadata service; returns at once if the options give id, network and zone. */
  async start(): Promise<void> {
    const { instanceId, network, zone } = this.#deps.given;
    const reading = this.#read();
    const isComplete = [instanceId, network, zone].every((given) => given !== undefined);
    if (!isComplete) await reading;
  }

  current(): HostIdentity {
    const { given, steady } = this.#deps;
    if (steady.now() - this.#readAt >= REFRESH_MILLIS) void this.#read();
    return {
      ...this.#metadata,
      instanceId: given.instanceId ?? this.#metadata.instanceId,
      zone: given.zone ?? (this.#metadata.zone || given.defaultZone),
      network: given.network ?? (this.#metadata.cards[0]?.vpcId || DEFAULT_NETWORK),
      k8sNodeName: given.k8sNodeName,
      k8sClusterName: given.k8sClusterName,
    };
  }

  /** `readMetadata` never throws: without a service it gives empty metadata. */
  async #read(): Promise<void> {
    this.#readAt = this.#deps.steady.now();
    this.#reading ??= this.#deps.readMetadata().then((read) => {
      if (read.instanceId !== '') this.#metadata = read;
      this.#reading = undefined;
    });
    await this.#reading;
  }
}
