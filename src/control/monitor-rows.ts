import type { Selectable, Transaction } from 'kysely';
import { ApiError } from '../model/api-error.ts';
import { monitorArn, scopeArn } from '../model/arn.ts';
import type { Monitor, MonitorLocalResource, MonitorRemoteResource } from '../model/monitor.ts';
import type { Owner } from '../model/owner.ts';
import type { ControlTables } from './control-tables.ts';
import { monitorKey } from './row-keys.ts';
import { readTags } from './tags.ts';

export const MONITOR_COLUMNS = [
  'account',
  'region',
  'monitor_name',
  'scope_id',
  'status',
  'local_resources',
  'remote_resources',
  'tags',
  'created_at_millis',
  'modified_at_millis',
] as const;
type MonitorColumn = (typeof MONITOR_COLUMNS)[number];

/** Converts a row to a monitor. */
export function readMonitor(
  row: Pick<Selectable<ControlTables['monitor']>, MonitorColumn>,
): Monitor {
  const owner: Owner = { account: row.account, region: row.region };
  return {
    monitorName: row.monitor_name,
    monitorArn: monitorArn(owner, row.monitor_name),
    scopeArn: scopeArn(owner, row.scope_id),
    status: row.status,
    localResources: JSON.parse(row.local_resources) as readonly MonitorLocalResource[],
    remoteResources: JSON.parse(row.remote_resources) as readonly MonitorRemoteResource[],
    createdAtMillis: row.created_at_millis,
    modifiedAtMillis: row.modified_at_millis,
    tags: readTags(row.tags),
  };
}

/**
 * Reads a monitor that the transaction is about to change. Locks its row by an update that changes
 * nothing: changes of one monitor then run one after the other, on PostgreSQL too.
 *
 * @throws ApiError ResourceNotFoundException, ConflictException if it is being deleted
 */
export async function lockMonitor(
  transaction: Transaction<ControlTables>,
  owner: Owner,
  monitorName: string,
): Promise<Monitor> {
  const key = monitorKey(owner, monitorName);
  await transaction
    .updateTable('monitor')
    .set(({ ref }) => ({ modified_at_millis: ref('modified_at_millis') }))
    .where((where) => where.and(key))
    .execute();
  const row = await transaction
    .selectFrom('monitor')
    .select(MONITOR_COLUMNS)
    .where((where) => where.and(key))
    .executeTakeFirst();
  if (row === undefined) throw monitorNotFound(monitorName);
  if (row.status !== 'DELETING') return readMonitor(row);
  throw new ApiError('ConflictException', `Monitor ${monitorName} is being deleted`);
}

export function monitorNotFound(monitorName: string): ApiError {
  return new ApiError('ResourceNotFoundException', `Monitor ${monitorName} does not exist`);
}
