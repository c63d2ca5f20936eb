import type { Clock } from '../../lib/clock.ts';
import { type InstanceMetadata, NO_METADATA } from './instance-metadata.ts';

/** What a host is may change while it runs (a card attached, an instance type after a stop). */
const REFRESH_MILLIS = 10 * 60_000;
const DEFAULT_NETWORK = 'default';

/** What the options say: it goes before what the metadata service says. */
export interface GivenIdentity {
  readonly instanceId: string | undefined;
  /** Absent: the VPC of the first card, else `default`. */
  readonly network: string | undefined;
  readonly zone: string | undefined;
  /** Where neither the options nor the metadata service say. */
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
 * Who this host is: asked for once at the start and every ten minutes after that, behind the back of
 * who asks. What was once known stays when the metadata service falls silent.
 */
export class HostIdentityReader {
  readonly #deps: HostIdentityDeps;
  #metadata = NO_METADATA;
  #readAt = 0;
  #reading: Promise<void> | undefined;

  constructor(deps: HostIdentityDeps) {
    this.#deps = deps;
  }

  /** Reads it once; not waited for where the options say what matters. */
  async start(): Promise<void> {
    const { instanceId, network, zone } = this.#deps.given;
    const reading = this.#read();
    const isAllSaid = [instanceId, network, zone].every((own) => own !== undefined);
    if (!isAllSaid) await reading;
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

  /** `readMetadata` never throws: a service that is silent says nothing. */
  async #read(): Promise<void> {
    this.#readAt = this.#deps.steady.now();
    this.#reading ??= this.#deps.readMetadata().then((read) => {
      if (read.instanceId !== '') this.#metadata = read;
      this.#reading = undefined;
    });
    await this.#reading;
  }
}
