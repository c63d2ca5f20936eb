import type { Database } from '../lib/database.ts';
import type { ScopeTarget } from '../model/scope.ts';
import type { ControlTables } from './control-tables.ts';
import { readTargets } from './scope-rows.ts';
import { byTargetKey } from './targets.ts';

/** The targets of all scopes without repetitions, except scopes that are being deleted. */
export async function targetsOfScopes(database: Database): Promise<readonly ScopeTarget[]> {
  const rows = await database
    .withTables<ControlTables>()
    .selectFrom('scope')
    .select('targets')
    .where('status', 'in', ['SUCCEEDED', 'IN_PROGRESS', 'FAILED'])
    .execute();
  return [...byTargetKey(rows.flatMap((row) => readTargets(row.targets))).values()];
}
