import { CATEGORY_TEXT } from './categories.ts';
import type { ColumnId } from './column-ids.ts';
import type { InsightsRow } from './insights-answer.ts';

/** A row of the table. Unknown members are `""`. */
export interface Contributor {
  /** Stays the same at each refresh. */
  readonly id: string;
  readonly localSubnetId: string;
  readonly localAz: string;
  readonly localVpcId: string;
  readonly localRegion: string;
  readonly accountId: string;
  /** From the API: an ARN, a Region, a service, or "". */
  readonly remoteIdentifier: string;
  /** The last part of an ARN; any other identifier unchanged. */
  readonly remoteResource: string;
  /** Label of the category. */
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

/** Compares rows by a column, ascending: values as numbers, other columns as text. */
export function compareBy(column: ColumnId): (a: Contributor, b: Contributor) => number {
  if (column === 'value') return (a, b) => compare(a.value, b.value);
  return (a, b) => compare(a[column], b[column]);
}

/** Whether a text of the row contains the filter, ignoring case. */
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
