import type { Owner } from '../model/owner.ts';
import { type Param, param, type SqlFragment, sql } from '../store/sql.ts';

export function float(value: number): Param {
  return param('Float64', value);
}

export function floats(values: readonly number[]): Param {
  return param('Array(Float64)', [...values]);
}

/** A DateTime, from seconds since 1970. */
export function dateTime(seconds: number): SqlFragment {
  return sql`toDateTime(${param('UInt32', seconds)}, 'UTC')`;
}

/** A condition on rows of any table: they belong to this account and Region. */
export function ofOwner({ account, region }: Owner): SqlFragment {
  return sql`account = ${param('String', account)} AND region = ${param('String', region)}`;
}
