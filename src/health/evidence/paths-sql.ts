import { param, type SqlFragment, sql } from '../../store/sql.ts';
import type { ConstructSelection, WindowPaths } from '../constructs/window-constructs.ts';

/** Cells with `path`: the numbers of the shared constructs they traverse. */
export function withPathsSql(cells: SqlFragment, window: WindowPaths): SqlFragment {
  const { pairs, paths, hosts, hostPaths } = window;
  const table = (type: string, keys: readonly unknown[], values: typeof paths) =>
    sql`(SELECT t.1 AS key, t.2 AS path FROM (SELECT arrayJoin(arrayZip(${param(`Array(${type})`, [...keys])}, ${param('Array(Array(UInt32))', values)})) AS t))`;
  const paired = sql`SELECT e.*, p.path AS pair_path FROM (${cells}) AS e LEFT JOIN ${table('UInt64', pairs.map(BigInt), paths)} AS p ON e.pair = p.key`;
  if (hosts.length === 0) return sql`SELECT *, pair_path AS path FROM (${paired})`;
  return sql`SELECT e.*, arrayConcat(pair_path, g.path) AS path FROM (${paired}) AS e LEFT JOIN ${table('String', hosts, hostPaths)} AS g ON e.host = g.key`;
}

/** A condition on cells: they traverse one of these constructs. */
export function throughSql({ shared, ends }: ConstructSelection): SqlFragment {
  return sql`hasAny(path, ${param('Array(UInt32)', [...shared])}) OR host IN (${param('Array(String)', [...ends])}) OR remote IN (${param('Array(String)', [...ends])})`;
}
