import type { InstanceTraits } from '../../model/topology.ts';
import type { Histories, Steps } from './histories.ts';
import { TimedMap } from './timed-map.ts';

/**
 * Image, type and node pool of instances by id and time, from EC2, inventories and Kubernetes
 * nodes.
 */
export class InstanceTables {
  readonly #instances = new TimedMap<OwnedTraits>();
  readonly #poolOfNode = new TimedMap<OwnedTraits>();

  *read(histories: Histories): Steps {
    const ownerOf = new Map<string, string>();
    yield* histories.eachVersion('instance', (resource, { fromSeconds, toSeconds }) => {
      const { id, account, imageId, instanceType, nodePool } = resource;
      ownerOf.set(id, account);
      if (imageId === undefined && instanceType === undefined && nodePool === undefined) return;
      const value = { account, traits: { imageId, instanceType, nodePool } };
      this.#instances.add(id, { value, fromSeconds, toSeconds });
    });
    const clusters = histories.latest('kubernetes-cluster');
    yield* histories.eachVersion('kubernetes-node', (resource, { fromSeconds, toSeconds }) => {
      const { instanceId, nodePool, clusterId } = resource;
      if (instanceId === undefined || nodePool === undefined) return;
      const account = ownerOf.get(instanceId) ?? clusters.get(clusterId)?.account ?? '';
      const value = { account, traits: { nodePool } };
      this.#poolOfNode.add(instanceId, { value, fromSeconds, toSeconds });
    });
  }

  /** @param isVisible whether the traits of an instance of an account may be known */
  at(
    instanceId: string,
    timeSeconds: number,
    isVisible: (account: string) => boolean,
  ): InstanceTraits {
    const visible = (found: OwnedTraits | undefined) =>
      found !== undefined && isVisible(found.account) ? found.traits : undefined;
    const known = visible(this.#instances.at(instanceId, timeSeconds));
    const ofNode = visible(this.#poolOfNode.at(instanceId, timeSeconds));
    return { ...known, nodePool: known?.nodePool ?? ofNode?.nodePool };
  }
}

interface OwnedTraits {
  readonly account: string;
  readonly traits: InstanceTraits;
}
