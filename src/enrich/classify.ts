import type { AddressScope } from '../model/address.ts';
import type { DestinationCategory } from '../model/category.ts';
import type { FlowEnd } from '../model/enriched-flow.ts';
import { AMAZON_DYNAMODB, AMAZON_S3 } from '../model/service-names.ts';
import type { Located } from '../model/topology.ts';

export interface Ends {
  readonly local: FlowEnd & { readonly isLocalZone?: boolean };
  /** Undefined for an unknown address. */
  readonly remote: Located | undefined;
  readonly remoteScope: AddressScope;
}

type Rule = (ends: Ends) => DestinationCategory | undefined;

/** In order of precedence: the first rule that returns a category decides. */
const RULES: readonly Rule[] = [
  loopback,
  localZone,
  amazonS3,
  amazonDynamoDb,
  sameVpc,
  otherVpc,
  otherRegion,
  awsService,
  internet,
  transitGateway,
];

/** The destination category of a flow. */
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

/** Either end is in a local zone. */
function localZone({ local, remote }: Ends): DestinationCategory | undefined {
  return local.isLocalZone || remote?.isLocalZone ? 'LOCAL_ZONE' : undefined;
}

/** Reached by published prefixes or by an endpoint in the network, in any Region. */
function amazonS3({ remote }: Ends): DestinationCategory | undefined {
  return remote?.service === AMAZON_S3 ? 'AMAZON_S3' : undefined;
}

function amazonDynamoDb({ remote }: Ends): DestinationCategory | undefined {
  return remote?.service === AMAZON_DYNAMODB ? 'AMAZON_DYNAMODB' : undefined;
}

/** A subnet is in one zone, so two ends in one subnet share the zone even if it is unknown. */
function sameVpc({ local, remote }: Ends): DestinationCategory | undefined {
  if (remote === undefined || local.vpcId === '' || remote.vpcId !== local.vpcId) return undefined;
  if (local.az !== '' && remote.az !== '') return local.az === remote.az ? 'INTRA_AZ' : 'INTER_AZ';
  const sameSubnet = local.subnetId !== '' && local.subnetId === remote.subnetId;
  return sameSubnet ? 'INTRA_AZ' : undefined;
}

/** Two networks of one Region, whether joined by a peering or by a transit gateway. */
function otherVpc({ local, remote }: Ends): DestinationCategory | undefined {
  if (remote === undefined || remote.vpcId === '' || local.vpcId === '') return undefined;
  const isOther = remote.vpcId !== local.vpcId && remote.region === local.region;
  return isOther ? 'INTER_VPC' : undefined;
}

/** The remote end is in a network of another Region or has a public address of it. */
function otherRegion({ local, remote }: Ends): DestinationCategory | undefined {
  if (remote === undefined || remote.region === '' || remote.region === GLOBAL) return undefined;
  return remote.region === local.region ? undefined : 'INTER_REGION';
}

/** The Region of published prefixes that belong to no Region. */
const GLOBAL = 'GLOBAL';

function awsService({ remote }: Ends): DestinationCategory | undefined {
  return remote?.service ? 'AWS_SERVICE' : undefined;
}

/**
 * The remote address is public and has no known owner, and no known route leads elsewhere. An
 * address of AWS has an owner, so it is never INTERNET.
 */
function internet({ remote, remoteScope }: Ends): DestinationCategory | undefined {
  const isThere = remote === undefined || remote.beyond === 'internet';
  return isThere && remoteScope === 'global' ? 'INTERNET' : undefined;
}

function transitGateway({ remote }: Ends): DestinationCategory | undefined {
  return remote?.beyond === 'transit-gateway' ? 'TRANSIT_GATEWAY' : undefined;
}
