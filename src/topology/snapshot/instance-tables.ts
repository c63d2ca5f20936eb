import type { InstanceTraits } from '../../model/topology.ts';
import type { Histories, Steps } from './histories.ts';
import { TimedMap } from './timed-map.ts';

/**
 * Image, type and node pool of instances by id and time, from EC2, inventories and Kubernetes
 * nodes.
 */
export class InstanceTables {
  readonly #instances = new TimedMap<InstanceTraits>();
  readonly #poolOfNode = new TimedMap<string>();

  *read(histories: Histories): Steps {
    yield* histories.eachVersion('instance', (resource, { fromSeconds, toSeconds }) => {
      const { id, imageId, instanceType, nodePool } = resource;
      if (imageId === undefined && instanceType === undefined && nodePool === undefined) return;
      const value = { imageId, instanceType, nodePool };
      this.#instances.add(id, { value, fromSeconds, toSeconds });
    });
    yield* histories.eachVersion('kubernetes-node', (resource, { fromSeconds, toSeconds }) => {
      const { instanceId, nodePool: value } = resource;
      if (instanceId === undefined || value === undefined) return;
      this.#poolOfNode.add(instanceId, { value, fromSeconds, toSeconds });
    });
  }

  at(instanceId: string, timeSeconds: number): InstanceTraits {
    const known = this.#instances.at(instanceId, timeSeconds);
    const nodePool = known?.nodePool ?? this.#poolOfNode.at(instanceId, timeSeconds);
    return { ...known, nodePool };
  }
}
