import type { Beyond, Located, TraversedConstruct } from '../../model/topology.ts';

/** What a prefix of the topology stands for. Made once, shared by every flow that meets it. */
export interface Place extends Located {
  /** Of the resource it is, for order among equals. */
  readonly id: string;
  readonly service: string;
  readonly isLocalZone: boolean;
  /** The network it is in, also where `vpcId` is "" as it is a service's. */
  readonly network: string;
  readonly subnet: string;
  /** "" where the interface is not known. */
  readonly interfaceId: string;
  /** What stands behind its interface instead of an instance, in order. */
  readonly behind: readonly TraversedConstruct[];
}

const NOWHERE: Place = {
  id: '',
  account: '',
  region: '',
  vpcId: '',
  subnetId: '',
  az: '',
  instanceId: '',
  service: '',
  isLocalZone: false,
  network: '',
  subnet: '',
  interfaceId: '',
  behind: [],
};

/** All places have the same members in the same order: the engine then reads them fastest. */
export function makePlace(parts: Partial<Place>): Place {
  return { ...NOWHERE, ...parts };
}

/** Where routes lead that end outside of what is known. */
export function placeBeyond(beyond: Beyond, gatewayArn = ''): Place {
  return { ...NOWHERE, beyond, gatewayArn };
}

/** Whether a resource has the address, rather than a subnet or network around it. */
export function isHost({ interfaceId, instanceId }: Place): boolean {
  return interfaceId !== '' || instanceId !== '';
}

export function isSamePlace(a: Place, b: Place): boolean {
  return (
    a.vpcId === b.vpcId &&
    a.subnet === b.subnet &&
    a.network === b.network &&
    a.az === b.az &&
    a.instanceId === b.instanceId &&
    a.service === b.service &&
    a.behind === b.behind
  );
}
