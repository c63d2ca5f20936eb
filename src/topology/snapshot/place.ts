import { UNKNOWN_END } from '../../model/enriched-flow.ts';
import type { Located, PathExit, TraversedConstruct } from '../../model/topology.ts';
import { ec2Construct } from './constructs.ts';

/** The result of a lookup. Made with the snapshot and shared by all flows with the address. */
export interface Place extends Located {
  /** The id of its resource; orders places with equal prefixes. */
  readonly id: string;
  readonly service: string;
  readonly isLocalZone: boolean;
  /** Its network, also for a service, whose `vpcId` is "". */
  readonly network: string;
  readonly subnet: string;
  /** "" when the interface is unknown. */
  readonly interfaceId: string;
  /** Whether it is an owner of the address, not a subnet or network around it. */
  readonly isHost: boolean;
  /**
   * The first private address of the interface, and the public one translated to it; "" for none.
   */
  readonly privateAddress: string;
  readonly publicAddress: string;
  /** The constructs behind the interface other than an instance: an endpoint, then its service. */
  readonly behind: readonly TraversedConstruct[];
  /** Its constructs at the end of a path, from network to host; made at first use. */
  end: readonly TraversedConstruct[] | undefined;
}

const NOWHERE: Place = {
  id: '',
  ...UNKNOWN_END,
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

/** All places have the same members in the same order, so that the engine reads them fastest. */
export function makePlace(parts: Partial<Place>): Place {
  const { interfaceId = '', instanceId = '' } = parts;
  return { ...NOWHERE, ...parts, isHost: interfaceId !== '' || instanceId !== '' };
}

/** The place of addresses that routes lead to beyond all known networks. */
export function placeBeyond(beyond: PathExit, gatewayArn = ''): Place {
  return { ...NOWHERE, beyond, gatewayArn };
}

/** The interface, then the instance or owner behind it; for a published prefix, the service. */
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
