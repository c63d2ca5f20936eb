import { ApiError } from '../model/api-error.ts';
import type {
  LocalResourceType,
  MonitorLocalResource,
  MonitorRemoteResource,
  RemoteResourceType,
} from '../model/monitor.ts';
import type { Owner } from '../model/owner.ts';
import { REGION_NAME } from '../model/region-name.ts';

export interface ResourceQuotas {
  readonly maxLocalResources: number;
  readonly maxRemoteResources: number;
}

type ResourceType = LocalResourceType | RemoteResourceType;

/** How the identifiers of a type look, and how a message describes them. */
interface Form {
  readonly pattern: RegExp;
  readonly description: string;
}

/** In an ARN the first group is its Region; what exists is not checked, only the form. */
const FORMS: Readonly<Record<ResourceType, Form>> = {
  'AWS::EC2::VPC': {
    pattern: ec2Form('vpc', 'vpc'),
    description: 'a VPC id (vpc-…) or its ARN',
  },
  'AWS::EC2::Subnet': {
    pattern: ec2Form('subnet', 'subnet'),
    description: 'a subnet id (subnet-…) or its ARN',
  },
  'AWS::AvailabilityZone': {
    pattern: /^[A-Za-z0-9_.-]{1,64}$/,
    description: 'the name (us-east-1a) or id (use1-az1) of an Availability Zone',
  },
  'AWS::Region': {
    pattern: new RegExp(`^${REGION_NAME}$`),
    description: "a Region's name (us-east-1)",
  },
  'AWS::EKS::Cluster': {
    pattern: new RegExp(
      `^(?:arn:aws[a-z-]*:eks:(${REGION_NAME}):\\d{12}:cluster/)?[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`,
    ),
    description: "a cluster's name or ARN",
  },
  'AWS::AWSService': {
    pattern: /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,127}$/,
    description: "an AWS service's name",
  },
};

function ec2Form(kind: string, prefix: string): RegExp {
  return new RegExp(
    `^(?:arn:aws[a-z-]*:ec2:(${REGION_NAME}):\\d{12}:${kind}/)?${prefix}-[0-9a-f]{8,17}$`,
  );
}

/** An Availability Zone's name tells its Region; its id does not. */
const ZONE_NAME = /^([a-z]{2}(?:-[a-z]+)+-\d+)[a-z]$/;

/**
 * The local resources without repetitions. Throws ValidationException (none, a form, a Region or a
 * combination that is not allowed) or ServiceQuotaExceededException.
 */
export function checkLocalResources(
  owner: Owner,
  resources: readonly MonitorLocalResource[],
  quotas: ResourceQuotas,
): readonly MonitorLocalResource[] {
  const unique = withoutRepetitions(resources);
  if (unique.length === 0) throw invalid('localResources: at least 1');
  checkQuota('localResources', unique.length, quotas.maxLocalResources);
  for (const resource of unique) {
    checkForm('localResources', resource);
    checkRegion('localResources', owner, resource);
    if (resource.type === 'AWS::Region' && resource.identifier !== owner.region) {
      throw invalid(
        `localResources: the Region must be the monitor's own, ${owner.region}, not '${resource.identifier}'`,
      );
    }
  }
  if (unique.length > 1 && unique.some(({ type }) => type === 'AWS::Region')) {
    throw invalid('localResources: AWS::Region means every resource in it and must stand alone');
  }
  return unique;
}

/**
 * The remote resources without repetitions; none means every destination. Throws
 * ValidationException (a form, a Region or a combination that is not allowed) or
 * ServiceQuotaExceededException.
 */
export function checkRemoteResources(
  owner: Owner,
  resources: readonly MonitorRemoteResource[],
  quotas: ResourceQuotas,
): readonly MonitorRemoteResource[] {
  const unique = withoutRepetitions(resources);
  checkQuota('remoteResources', unique.length, quotas.maxRemoteResources);
  for (const resource of unique) {
    checkForm('remoteResources', resource);
    checkRegion('remoteResources', owner, resource);
  }
  const regions = unique.filter(({ type }) => type === 'AWS::Region');
  if (unique.length > 1 && regions.some(({ identifier }) => identifier === owner.region)) {
    throw invalid(
      "remoteResources: the monitor's own Region means every resource in it and must stand alone",
    );
  }
  if (regions.length > 0 && unique.some(({ type }) => type === 'AWS::AWSService')) {
    throw invalid('remoteResources: another Region and an AWS service cannot be combined');
  }
  return unique;
}

type Resource = MonitorLocalResource | MonitorRemoteResource;
type Member = 'localResources' | 'remoteResources';

function withoutRepetitions<R extends Resource>(resources: readonly R[]): readonly R[] {
  return [
    ...new Map(resources.map((one) => [JSON.stringify([one.type, one.identifier]), one])).values(),
  ];
}

function checkQuota(member: Member, count: number, max: number): void {
  if (count <= max) return;
  throw new ApiError(
    'ServiceQuotaExceededException',
    `${member}: ${count} were given, a monitor has at most ${max}`,
  );
}

function checkForm(member: Member, { type, identifier }: Resource): void {
  const { pattern, description } = FORMS[type];
  if (pattern.test(identifier)) return;
  throw invalid(`${member}: '${identifier}' is not an identifier of ${type}, ${description}`);
}

/** Single resources must lie in the monitor's own Region, as far as their identifiers tell. */
function checkRegion(member: Member, owner: Owner, { type, identifier }: Resource): void {
  const pattern = type === 'AWS::AvailabilityZone' ? ZONE_NAME : FORMS[type].pattern;
  const region = pattern.exec(identifier)?.[1];
  if (region === undefined || region === owner.region) return;
  throw invalid(
    `${member}: '${identifier}' is in ${region}, the resources of a monitor in ${owner.region} must be there`,
  );
}

function invalid(message: string): ApiError {
  return new ApiError('ValidationException', message);
}
