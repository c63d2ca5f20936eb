import { expect, test } from 'vitest';
import { printSql } from '../store/sql.ts';
import type { OverviewRequest } from './insights-overview.ts';
import { overviewPlan, seriesPlan } from './plan.ts';

const TARGETS = [{ account: '000000000000', region: 'us-east-1' }];
const REQUEST: OverviewRequest = {
  startSeconds: 1_800_000_000,
  endSeconds: 1_800_003_600,
  metric: 'TIMEOUTS',
  limit: 10,
};

test('rows of all categories include the category, and come from the given account only', () => {
  const { text, params } = printSql(overviewPlan(REQUEST, TARGETS));
  expect(text).toBe(
    'SELECT account, local_subnet, local_az, local_vpc, region, remote_identifier, category, ' +
      'sum(toUInt64(rtos_syn) + rtos_est + rtos_close) AS value FROM flows ' +
      "WHERE time >= toDateTime({p0:UInt32}, 'UTC') AND time < toDateTime({p1:UInt32}, 'UTC') " +
      'AND ((account = {p2:String} AND region = {p3:String})) GROUP BY 1, 2, 3, 4, 5, 6, 7 ' +
      'HAVING sum(toUInt64(rtos_syn) + rtos_est + rtos_close) > 0 ' +
      'ORDER BY value DESC, 1, 2, 3, 4, 5, 6, 7 LIMIT {p4:UInt32} ' +
      'SETTINGS enable_positional_arguments = 1',
  );
  expect(Object.values(params)).toEqual([
    1_800_000_000,
    1_800_003_600,
    '000000000000',
    'us-east-1',
    10,
  ]);
});

const SELECTIONS = [
  { name: 'one category', change: { category: 'INTERNET' }, filter: / AND category = \{p\d+:/ },
  {
    name: 'without loopback',
    change: { loopback: false },
    filter: / AND remote_identifier != \{p\d+:/,
  },
] as const;

test.each(SELECTIONS)('$name is selected in rows and series alike', ({ change, filter }) => {
  for (const plan of [overviewPlan, seriesPlan]) {
    expect(printSql(plan({ ...REQUEST, ...change }, TARGETS)).text).toMatch(filter);
    expect(printSql(plan({ ...REQUEST, loopback: true }, TARGETS)).text).not.toMatch(filter);
  }
});
