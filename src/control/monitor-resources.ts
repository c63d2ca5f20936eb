import { ApiError, invalid } from '../model/api-error.ts';
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

/** The form of a type's identifiers, and its description for error messages. */
interface Form {
  readonly pattern: RegExp;
  readonly description: string;
}

/** The first group of a pattern is the Region of an ARN. Existence is not checked. */
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

/** The first group is the Region. A zone's name contains it (us-east-1a); a zone's id does not. */
const ZONE_NAME = /^([a-z]{2}(?:-[a-z]+)+-\d+)[a-z]$/;

/**
 * Returns the local resources without repetitions.
 *
 * @throws ApiError ValidationException (no resource; a form, Region or combination that is not
 *   allowed), ServiceQuotaExceededException
 */
export function checkLocalResources(
  owner: Owner,
  resources: readonly MonitorLocalResource[],
  quotas: ResourceQuotas,
): readonly MonitorLocalResource[] {
  const unique = withoutRepetitions(resources);
  if (unique.length === 0) throw invalid('localResources: at least 1 is required');
  checkQuota('localResources', unique.length, quotas.maxLocalResources);
  for (const resource of unique) {
    checkForm('localResources', resource);
    checkRegion('localResources', owner, resource);
    if (resource.type === 'AWS::Region' && resource.identifier !== owner.region) {
      throw invalid(
        `localResources: the Region must be ${owner.region}, the Region of the monitor, not '${resource.identifier}'`,
      );
    }
  }
  if (unique.length > 1 && unique.some(({ type }) => type === 'AWS::Region')) {
    throw invalid(
      'localResources: AWS::Region covers every resource in the Region, so it must be the only one',
    );
  }
  return unique;
}

/**
 * Returns the remote resources without repetitions; none means every destination.
 *
 * @throws ApiError ValidationException (a form, Region or combination that is not allowed),
 *   ServiceQuotaExceededException
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
      "remoteResources: the monitor's own Region covers every resource in it, so it must be the only one",
    );
  }
  if (regions.length > 0 && unique.some(({ type }) => type === 'AWS::AWSService')) {
    throw invalid('remoteResources: another Region cannot be combined with an AWS service');
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
    `${member}: a monitor has at most ${max}, not ${count}`,
  );
}

function checkForm(member: Member, { type, identifier }: Resource): void {
  const { pattern, description } = FORMS[type];
  if (pattern.test(identifier)) return;
  throw invalid(`${member}: an identifier of ${type} must be ${description}, not '${identifier}'`);
}

/** Checks that a resource is in the monitor's Region, if its identifier contains a Region. */
function checkRegion(member: Member, owner: Owner, { type, identifier }: Resource): void {
  const pattern = type === 'AWS::AvailabilityZone' ? ZONE_NAME : FORMS[type].pattern;
  const region = pattern.exec(identifier)?.[1];
  if (region === undefined || region === owner.region) return;
  throw invalid(
    `${member}: '${identifier}' is in ${region}, but the monitor is in ${owner.region}`,
  );
}
