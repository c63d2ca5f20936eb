import { CATEGORY_TEXT } from './categories.ts';
import type { ColumnId } from './column-ids.ts';
import type { InsightsRow } from './insights-answer.ts';

/** A row of the table. Members not known are `""`. */
export interface Contributor {
  /** The same for the same contributor at each refresh. */
  readonly id: string;
  readonly localSubnetId: string;
  readonly localAz: string;
  readonly localVpcId: string;
  readonly localRegion: string;
  readonly accountId: string;
  /** As the API names it: an ARN, a Region, a service, or nothing. */
  readonly remoteIdentifier: string;
  /** The part of an ARN one recognises, else the identifier itself. */
  readonly remoteResource: string;
  /** The category's label. */
  readonly category: string;
  readonly value: bigint;
}

export function contributorOf(row: InsightsRow): Contributor {
  const local = {
    accountId: row.accountId ?? '',
    localSubnetId: row.localSubnetId ?? '',
    localAz: row.localAz ?? '',
    localVpcId: row.localVpcId ?? '',
    localRegion: row.localRegion ?? '',
  };
  const remoteIdentifier = row.remoteIdentifier ?? '';
  return {
    ...local,
    id: JSON.stringify([row.destinationCategory, ...Object.values(local), remoteIdentifier]),
    remoteIdentifier,
    remoteResource: resourceOf(remoteIdentifier),
    category: CATEGORY_TEXT[row.destinationCategory].label,
    value: row.value ?? 0n,
  };
}

/** `arn:aws:ec2:us-east-1:000000000000:subnet/subnet-1` → `subnet-1`. */
function resourceOf(identifier: string): string {
  return identifier.startsWith('arn:')
    ? identifier.slice(identifier.lastIndexOf('/') + 1)
    : identifier;
}

/** Orders rows by a column, ascending: values as numbers, the rest as text. */
export function compareBy(column: ColumnId): (a: Contributor, b: Contributor) => number {
  if (column === 'value') return (a, b) => compare(a.value, b.value);
  return (a, b) => compare(a[column], b[column]);
}

/** Whether any shown text of the row contains the filter, upper or lower case. */
export function matchesFilter(row: Contributor, filter: string): boolean {
  const wanted = filter.trim().toLowerCase();
  return (
    wanted === '' ||
    row.remoteIdentifier.toLowerCase().includes(wanted) ||
    TEXT_COLUMNS.some((column) => row[column].toLowerCase().includes(wanted))
  );
}

const TEXT_COLUMNS = [
  'localSubnetId',
  'localAz',
  'localVpcId',
  'localRegion',
  'accountId',
  'remoteResource',
  'category',
] as const satisfies readonly ColumnId[];

function compare<Value extends bigint | string>(a: Value, b: Value): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
