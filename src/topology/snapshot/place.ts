import { UNKNOWN_ENDPOINT } from '../../model/enriched-flow.ts';
import type { Located, PathExit, TraversedConstruct } from '../../model/topology.ts';
import { ec2Construct } from './constructs.ts';

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
  /** Whether a resource has the address, rather than a subnet or network around it. */
  readonly isHost: boolean;
  /** Its own address, and the public one that internet gateways translate to it; "" without one. */
  readonly privateAddress: string;
  readonly publicAddress: string;
  /** What stands behind its interface instead of an instance, in order. */
  readonly behind: readonly TraversedConstruct[];
  /** Its end of a path, seen from the network; made when first asked for. */
  end: readonly TraversedConstruct[] | undefined;
}

const NOWHERE: Place = {
  id: '',
  ...UNKNOWN_ENDPOINT,
  service: '',
  isLocalZone: false,
  network: '',
  subnet: '',
  interfaceId: '',
  isHost: false,
  privateAddress: '',
  publicAddress: '',
  behind: [],
  end: undefined,
};

/** All places have the same members in the same order: the engine then reads them fastest. */
export function makePlace(parts: Partial<Place>): Place {
  const { interfaceId = '', instanceId = '' } = parts;
  return { ...NOWHERE, ...parts, isHost: interfaceId !== '' || instanceId !== '' };
}

/** Where routes lead that end outside of what is known. */
export function placeBeyond(beyond: PathExit, gatewayArn = ''): Place {
  return { ...NOWHERE, beyond, gatewayArn };
}

/** Interface, then instance or what stands behind it; or the service alone. */
export function endOf(place: Place): readonly TraversedConstruct[] {
  place.end ??= makeEnd(place);
  return place.end;
}

function makeEnd(place: Place): readonly TraversedConstruct[] {
  const { interfaceId, instanceId, service, behind } = place;
  if (interfaceId === '') return service === '' ? [] : [{ serviceName: service }];
  const own = ec2Construct(place, 'network-interface', interfaceId);
  if (instanceId === '') return [own, ...behind];
  return [own, ...behind, ec2Construct(place, 'instance', instanceId)];
}

export function isSamePlace(a: Place, b: Place): boolean {
  return (
    a.vpcId === b.vpcId &&
    a.subnet === b.subnet &&
    a.network === b.network &&
    a.az === b.az &&
    a.instanceId === b.instanceId &&
    a.service === b.service &&
    a.privateAddress === b.privateAddress &&
    a.publicAddress === b.publicAddress &&
    a.behind === b.behind
  );
}
