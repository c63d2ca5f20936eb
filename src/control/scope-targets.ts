import type { Database } from '../lib/database.ts';
import type { ScopeTarget } from '../model/scope.ts';
import type { ControlTables } from './control-tables.ts';
import { readTargets } from './scope-rows.ts';

/** The targets of all scopes but those being deleted, each once. */
export async function targetsOfScopes(database: Database): Promise<readonly ScopeTarget[]> {
  const rows = await database
    .withTables<ControlTables>()
    .selectFrom('scope')
    .select('targets')
    .where('status', 'in', ['SUCCEEDED', 'IN_PROGRESS', 'FAILED'])
    .execute();
  const targets = rows.flatMap((row) => readTargets(row.targets));
  return [...new Map(targets.map((one) => [`${one.account}/${one.region}`, one])).values()];
}
