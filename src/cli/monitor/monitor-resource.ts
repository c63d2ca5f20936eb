import { LOCAL_RESOURCE_TYPES, REMOTE_RESOURCE_TYPES } from '../../model/monitor.ts';
import { CliError } from '../lib/cli-error.ts';
import type { Parser } from '../lib/option.ts';

/** Short names of resource types. The API's own names are accepted as well. */
const TYPE_NAMES = {
  vpc: 'AWS::EC2::VPC',
  subnet: 'AWS::EC2::Subnet',
  az: 'AWS::AvailabilityZone',
  region: 'AWS::Region',
  cluster: 'AWS::EKS::Cluster',
  service: 'AWS::AWSService',
} as const;

interface Resource<Type extends string> {
  readonly type: Type;
  readonly identifier: string;
}

/** Adds one `TYPE=ID` to the resources before it. */
function collectResource<Type extends string>(types: readonly Type[]): Parser<Resource<Type>[]> {
  return (text, previous = []) => {
    const [name = '', ...rest] = text.split('=');
    const full = Object.entries(TYPE_NAMES).find(([short]) => short === name)?.[1] ?? name;
    const type = types.find((known) => known === full);
    const identifier = rest.join('=');
    if (type === undefined || identifier === '') {
      throw new CliError(`must be TYPE=ID with one of the types ${shortNames(types)}`);
    }
    return [...previous, { type, identifier }];
  };
}

function shortNames(types: readonly string[]): string {
  const names = Object.entries(TYPE_NAMES).filter(([, full]) => types.includes(full));
  return names.map(([short]) => short).join(', ');
}

export const LOCAL_TYPES = shortNames(LOCAL_RESOURCE_TYPES);
export const REMOTE_TYPES = shortNames(REMOTE_RESOURCE_TYPES);
export const collectLocal = collectResource(LOCAL_RESOURCE_TYPES);
export const collectRemote = collectResource(REMOTE_RESOURCE_TYPES);
