import { stableId } from '../model/ids.ts';
import type { Owner } from '../model/owner.ts';

const VPC_ID = /^vpc-[a-zA-Z0-9]{8,32}$/;
const INSTANCE_ID = /^i-[a-zA-Z0-9]{8,32}$/;

/**
 * Derives the id of a network that AWS gave none from its name, so that agents and inventories that
 * use one name mean one network. A name in the form of an AWS id is used as the id.
 */
export function networkId({ account, region }: Owner, name: string): string {
  return VPC_ID.test(name) ? name : stableId('vpc', account, region, name);
}

/** @param prefix canonical text, e.g. `10.0.1.0/24` */
export function subnetId(vpcId: string, prefix: string): string {
  return stableId('subnet', vpcId, prefix);
}

/** Derives the id of an instance from its name, by the rules of `networkId`. */
export function instanceId({ account, region }: Owner, name: string): string {
  return INSTANCE_ID.test(name) ? name : stableId('i', account, region, name);
}
