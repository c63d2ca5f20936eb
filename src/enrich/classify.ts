import type { AddressScope } from '../model/address.ts';
import type { DestinationCategory } from '../model/category.ts';
import type { Endpoint } from '../model/enriched-flow.ts';

export interface Ends {
  readonly local: Endpoint;
  /** Undefined when nobody is known to have the address. */
  readonly remote: Endpoint | undefined;
  readonly remoteScope: AddressScope;
}

type Rule = (ends: Ends) => DestinationCategory | undefined;

/** The first rule that knows decides. */
const RULES: readonly Rule[] = [loopback, sameVpc, otherVpc, internet];

/** Where a flow goes, by what is known of its ends. */
export function classify(ends: Ends): DestinationCategory {
  for (const rule of RULES) {
    const category = rule(ends);
    if (category !== undefined) return category;
  }
  return 'UNCLASSIFIED';
}

function loopback({ remoteScope }: Ends): DestinationCategory | undefined {
  return remoteScope === 'loopback' ? 'INTRA_AZ' : undefined;
}

/** A subnet lies in one zone: two ends in one subnet are in one zone even if it is not known. */
function sameVpc({ local, remote }: Ends): DestinationCategory | undefined {
  if (remote === undefined || local.vpcId === '' || remote.vpcId !== local.vpcId) return undefined;
  if (local.az !== '' && remote.az !== '') return local.az === remote.az ? 'INTRA_AZ' : 'INTER_AZ';
  const sameSubnet = local.subnetId !== '' && local.subnetId === remote.subnetId;
  return sameSubnet ? 'INTRA_AZ' : undefined;
}

function otherVpc({ local, remote }: Ends): DestinationCategory | undefined {
  const known = remote !== undefined && remote.vpcId !== '' && local.vpcId !== '';
  return known && remote.vpcId !== local.vpcId ? 'INTER_VPC' : undefined;
}

function internet({ remote, remoteScope }: Ends): DestinationCategory | undefined {
  return remote === undefined && remoteScope === 'global' ? 'INTERNET' : undefined;
}
