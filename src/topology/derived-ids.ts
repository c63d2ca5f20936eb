import { stableId } from '../model/ids.ts';
import type { Owner } from '../model/owner.ts';

const VPC_ID = /^vpc-[a-zA-Z0-9]{8,32}$/;
const INSTANCE_ID = /^i-[a-zA-Z0-9]{8,32}$/;

/**
 * The ids of what AWS has given none, made of what it is called: agents and inventories that say the
 * same mean the same. A name that has AWS's form already is the id.
 */
export function networkId({ account, region }: Owner, name: string): string {
  return VPC_ID.test(name) ? name : stableId('vpc', account, region, name);
}

/** Of a prefix as canonical text, e.g. `10.0.1.0/24`. */
export function subnetId(vpcId: string, prefix: string): string {
  return stableId('subnet', vpcId, prefix);
}

export function instanceId({ account, region }: Owner, name: string): string {
  return INSTANCE_ID.test(name) ? name : stableId('i', account, region, name);
}
