import { InvalidArgumentError } from 'commander';
import { DESTINATION_CATEGORIES, type DestinationCategory } from '../model/category.ts';
import {
  LOCAL_RESOURCE_TYPES,
  type MonitorLocalResource,
  type MonitorRemoteResource,
  REMOTE_RESOURCE_TYPES,
} from '../model/monitor.ts';
import {
  MONITOR_METRICS,
  type MonitorMetric,
  WORKLOAD_INSIGHTS_METRICS,
  type WorkloadInsightsMetric,
} from '../model/query.ts';

const SECONDS_OF: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `90s`, `5m`, `1h`, `2d` → seconds. */
export function parseDuration(text: string): number {
  const [, amount = '', unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const seconds = Number(amount) * (SECONDS_OF[unit] ?? 0);
  if (seconds === 0)
    throw new InvalidArgumentError('Expected a duration such as 90s, 5m, 1h or 2d.');
  return seconds;
}

/** A whole number in a range, for commander. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) {
      throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

/** `data-transferred` and `DATA_TRANSFERRED` are the same. */
function oneOf<Value extends string>(values: readonly Value[]): (text: string) => Value {
  return (text) => {
    const wanted = text.toUpperCase().replaceAll('-', '_');
    const found = values.find((value) => value.toUpperCase() === wanted);
    if (found === undefined)
      throw new InvalidArgumentError(`Expected one of: ${values.join(', ')}.`);
    return found;
  };
}

export const parseMonitorMetric: (text: string) => MonitorMetric = oneOf(MONITOR_METRICS);
export const parseWorkloadMetric: (text: string) => WorkloadInsightsMetric =
  oneOf(WORKLOAD_INSIGHTS_METRICS);

export const parseCategory: (text: string) => DestinationCategory | 'all' = oneOf([
  'all',
  ...DESTINATION_CATEGORIES,
]);

/** The categories a choice stands for. */
export function categoriesOf(choice: DestinationCategory | 'all'): readonly DestinationCategory[] {
  return choice === 'all' ? DESTINATION_CATEGORIES : [choice];
}

/** Short names of resource types; the API's own are taken too. */
const TYPE_NAMES = {
  vpc: 'AWS::EC2::VPC',
  subnet: 'AWS::EC2::Subnet',
  az: 'AWS::AvailabilityZone',
  region: 'AWS::Region',
  cluster: 'AWS::EKS::Cluster',
  service: 'AWS::AWSService',
} as const;

function collectResource<Type extends string>(types: readonly Type[]) {
  interface Resource {
    readonly type: Type;
    readonly identifier: string;
  }
  return (text: string, previous: readonly Resource[] = []): Resource[] => {
    const [name = '', ...rest] = text.split('=');
    const full = Object.entries(TYPE_NAMES).find(([short]) => short === name)?.[1] ?? name;
    const type = types.find((known) => known === full);
    const identifier = rest.join('=');
    if (type === undefined || identifier === '') {
      const names = Object.entries(TYPE_NAMES).filter(([, long]) => types.some((t) => t === long));
      throw new InvalidArgumentError(
        `Expected TYPE=IDENTIFIER with a type of: ${names.map(([short]) => short).join(', ')}.`,
      );
    }
    return [...previous, { type, identifier }];
  };
}

export const collectLocal: (
  text: string,
  previous?: readonly MonitorLocalResource[],
) => MonitorLocalResource[] = collectResource(LOCAL_RESOURCE_TYPES);

export const collectRemote: (
  text: string,
  previous?: readonly MonitorRemoteResource[],
) => MonitorRemoteResource[] = collectResource(REMOTE_RESOURCE_TYPES);

export type Tags = Readonly<Record<string, string>>;

/** `KEY=VALUE`, as often as wanted. */
export function collectTag(text: string, previous: Tags = {}): Tags {
  const [key = '', ...rest] = text.split('=');
  if (key === '' || rest.length === 0) throw new InvalidArgumentError('Expected KEY=VALUE.');
  return { ...previous, [key]: rest.join('=') };
}

export interface AccountTarget {
  readonly account: string;
  /** The region of the command when absent. */
  readonly region?: string | undefined;
}

/** `ACCOUNT` or `ACCOUNT@REGION`, as often as wanted. */
export function collectTarget(
  text: string,
  previous: readonly AccountTarget[] = [],
): AccountTarget[] {
  const [, account, region] = /^(\d{12})(?:@(\S+))?$/.exec(text) ?? [];
  if (account === undefined)
    throw new InvalidArgumentError('Expected ACCOUNT or ACCOUNT@REGION, 12 digits.');
  return [...previous, { account, region }];
}
