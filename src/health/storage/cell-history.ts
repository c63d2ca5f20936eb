import { joinSql, name, param, sql } from '../../store/sql.ts';
import { waitWeightSql } from '../cells/stall.ts';
import type { ConstructSelection, WindowPaths } from '../constructs/window-constructs.ts';
import { HISTORY } from '../evidence/columns.ts';
import { weightsSql } from '../evidence/first-pass-sql.ts';
import { throughSql, withPathsSql } from '../evidence/paths-sql.ts';
import type { HealthWindow } from '../health-window.ts';
import type { Parameters } from '../parameters.ts';
import { dateTime, float } from '../sql-values.ts';
import { HEALTH_HISTORY } from './clickhouse-tables.ts';
import type { HealthStore } from './health-store.ts';

/**
 * Sums over the earlier windows of each cell, one row per week. The weight of a window refers to
 * the start of its week, and a read reduces the sums of a week by their age. So adding a window
 * never rescales the stored sums.
 */
export class CellHistory {
  readonly #store: HealthStore;
  readonly #p: Parameters;

  constructor(store: HealthStore, p: Parameters) {
    this.#store = store;
    this.#p = p;
  }

  /** Adds a window to the history of its cells, except cells that traverse an excluded construct. */
  async learn(
    window: HealthWindow,
    paths: WindowPaths,
    excluded: ConstructSelection,
  ): Promise<void> {
    const { owner, startSeconds } = window;
    const start = dateTime(startSeconds);
    const weekOf = sql`toMonday(${start}, 'UTC')`;
    const grown = sql`exp2(dateDiff('second', toDateTime(${weekOf}, 'UTC'), ${start}) / ${float(this.#p.halfLifeSeconds)})`;
    const history = Object.values(HISTORY);
    const columns = history.map(({ column }) => name(column));
    const sums = history.map(({ weight, sql: amount }) => {
      const weighted = sql`${name(`${weight}_weight`)} * grown`;
      return sql`if(${weighted} > 0, ${weighted} * ${amount}, 0)`;
    });
    const cells = withPathsSql(weightsSql(window, this.#p), paths);
    await this.#store.change(
      sql`INSERT INTO ${name(HEALTH_HISTORY.name)} (account, region, class, cell, week, ${joinSql(columns, ', ')})
SELECT ${param('String', owner.account)}, ${param('String', owner.region)}, class, cell, ${weekOf}, ${joinSql(sums, ', ')}
FROM (SELECT *, ${grown} AS grown, ${waitWeightSql(this.#p)} AS wait_weight FROM (${cells}))
WHERE NOT (${throughSql(excluded)}) AND (n > 0 OR rtts > 0 OR tries > 0)`,
    );
  }
}
