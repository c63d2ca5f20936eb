import type { AddressScope } from '../model/address.ts';
import type { DestinationCategory } from '../model/category.ts';
import type { Endpoint } from '../model/enriched-flow.ts';
import { AMAZON_DYNAMODB, AMAZON_S3 } from '../model/service-names.ts';
import type { Located } from '../model/topology.ts';

export interface Ends {
  readonly local: Endpoint & { readonly isLocalZone?: boolean };
  /** Undefined when nothing is known of the address. */
  readonly remote: Located | undefined;
  readonly remoteScope: AddressScope;
}

type Rule = (ends: Ends) => DestinationCategory | undefined;

/** The first rule that knows decides. */
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

/** It starts or ends in one. */
function localZone({ local, remote }: Ends): DestinationCategory | undefined {
  return local.isLocalZone || remote?.isLocalZone ? 'LOCAL_ZONE' : undefined;
}

/** By its published prefixes or by an endpoint in the network; of any Region. */
function amazonS3({ remote }: Ends): DestinationCategory | undefined {
  return remote?.service === AMAZON_S3 ? 'AMAZON_S3' : undefined;
}

function amazonDynamoDb({ remote }: Ends): DestinationCategory | undefined {
  return remote?.service === AMAZON_DYNAMODB ? 'AMAZON_DYNAMODB' : undefined;
}

/** A subnet lies in one zone: two ends in one subnet are in one zone even if it is not known. */
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

/** A network of another Region, or its public addresses. */
function otherRegion({ local, remote }: Ends): DestinationCategory | undefined {
  if (remote === undefined || remote.region === '' || remote.region === GLOBAL) return undefined;
  return remote.region === local.region ? undefined : 'INTER_REGION';
}

/** What AWS publishes as no Region's. */
const GLOBAL = 'GLOBAL';

function awsService({ remote }: Ends): DestinationCategory | undefined {
  return remote?.service ? 'AWS_SERVICE' : undefined;
}

/** Nobody's address, and no routes are known that lead elsewhere. AWS's own are not the internet. */
function internet({ remote, remoteScope }: Ends): DestinationCategory | undefined {
  const isThere = remote === undefined || remote.beyond === 'internet';
  return isThere && remoteScope === 'global' ? 'INTERNET' : undefined;
}

function transitGateway({ remote }: Ends): DestinationCategory | undefined {
  return remote?.beyond === 'transit-gateway' ? 'TRANSIT_GATEWAY' : undefined;
}
