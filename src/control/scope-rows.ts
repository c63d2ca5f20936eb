import type { Selectable, Transaction } from 'kysely';
import { ApiError } from '../model/api-error.ts';
import { scopeArn } from '../model/arn.ts';
import type { Owner } from '../model/owner.ts';
import type { Scope, ScopeTarget } from '../model/scope.ts';
import type { ControlTables } from './control-tables.ts';
import { scopeKey } from './row-keys.ts';
import { readTags } from './tags.ts';

export const SCOPE_COLUMNS = [
  'scope_id',
  'account',
  'region',
  'status',
  'reason',
  'targets',
  'tags',
] as const;
type ScopeColumn = (typeof SCOPE_COLUMNS)[number];

/** Converts a row to a scope. */
export function readScope(row: Pick<Selectable<ControlTables['scope']>, ScopeColumn>): Scope {
  const scope: Scope = {
    scopeId: row.scope_id,
    scopeArn: scopeArn({ account: row.account, region: row.region }, row.scope_id),
    status: row.status,
    targets: readTargets(row.targets),
    tags: readTags(row.tags),
  };
  return row.reason === null ? scope : { ...scope, reason: row.reason };
}

/** Parses the targets of a row. */
export function readTargets(text: string): readonly ScopeTarget[] {
  return JSON.parse(text) as readonly ScopeTarget[];
}

/**
 * Reads a scope that the transaction is about to change. Locks its row by an update that changes
 * nothing: changes of one scope then run one after the other, on PostgreSQL too.
 *
 * @throws ApiError ResourceNotFoundException, ConflictException if it is being deleted
 */
export async function lockScope(
  transaction: Transaction<ControlTables>,
  owner: Owner,
  scopeId: string,
): Promise<Scope> {
  const key = scopeKey(owner, scopeId);
  await transaction
    .updateTable('scope')
    .set(({ ref }) => ({ modified_at_millis: ref('modified_at_millis') }))
    .where((where) => where.and(key))
    .execute();
  const row = await transaction
    .selectFrom('scope')
    .select(SCOPE_COLUMNS)
    .where((where) => where.and(key))
    .executeTakeFirst();
  if (row === undefined) throw scopeNotFound(scopeId);
  if (row.status !== 'DEACTIVATING') return readScope(row);
  throw new ApiError('ConflictException', `Scope ${scopeId} is being deleted`);
}

export function scopeNotFound(scopeId: string): ApiError {
  return new ApiError('ResourceNotFoundException', `Scope ${scopeId} does not exist`);
}
