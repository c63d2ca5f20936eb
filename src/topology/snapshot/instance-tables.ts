import type { InstanceTraits } from '../../model/topology.ts';
import type { Histories, Steps } from './histories.ts';
import { TimedMap } from './timed-map.ts';

/** What instances have in common with others, by id and time: as EC2 says, and Kubernetes of its nodes. */
export class InstanceTables {
  readonly #instances = new TimedMap<InstanceTraits>();
  readonly #poolOfNode = new TimedMap<string>();

  *read(histories: Histories): Steps {
    yield* histories.eachOf('instance', (history) => {
      for (const { resource, fromSeconds, toSeconds } of history) {
        const { id, imageId, instanceType, nodePool } = resource;
        if (imageId === undefined && instanceType === undefined && nodePool === undefined) continue;
        const value = { imageId, instanceType, nodePool };
        this.#instances.add(id, { value, fromSeconds, toSeconds });
      }
    });
    yield* histories.eachOf('kubernetes-node', (history) => {
      for (const { resource, fromSeconds, toSeconds } of history) {
        const { instanceId, nodePool: value } = resource;
        if (instanceId === undefined || value === undefined) continue;
        this.#poolOfNode.add(instanceId, { value, fromSeconds, toSeconds });
      }
    });
  }

  at(instanceId: string, timeSeconds: number): InstanceTraits {
    const known = this.#instances.at(instanceId, timeSeconds);
    const nodePool = known?.nodePool ?? this.#poolOfNode.at(instanceId, timeSeconds);
    return { ...known, nodePool };
  }
}
