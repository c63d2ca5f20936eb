import type { WorkloadInsightsMetric } from '../../../model/query.ts';
import { type FlowType, parseFlowType } from './categories.ts';
import { COLUMN_IDS, type ColumnId } from './column-ids.ts';
import { METRIC_TEXT, METRICS } from './metrics.ts';
import { TIME_RANGES, type TimeRange } from './time-window.ts';

export interface TableState {
  readonly filter: string;
  readonly sort: ColumnId;
  readonly descending: boolean;
}

/** The selections of the page. The address holds all of them, so a link shares the same view. */
export interface PageState {
  readonly flowType: FlowType;
  readonly range: TimeRange;
  readonly live: boolean;
  /** Whether flows within a host are shown. */
  readonly loopback: boolean;
  readonly tables: Readonly<Record<WorkloadInsightsMetric, TableState>>;
}

const DEFAULT_TABLE: TableState = { filter: '', sort: 'value', descending: true };

/** Reads the state from an address's query. Missing and invalid values get their defaults. */
export function parsePageState(search: string): PageState {
  const params = new URLSearchParams(search);
  return {
    flowType: parseFlowType(params.get('flow') ?? '') ?? 'ALL',
    range: TIME_RANGES.find((range) => range === params.get('range')) ?? '1h',
    live: params.get('live') !== 'off',
    loopback: params.get('loopback') === 'on',
    tables: {
      DATA_TRANSFERRED: parseTable(params, 'DATA_TRANSFERRED'),
      TIMEOUTS: parseTable(params, 'TIMEOUTS'),
      RETRANSMISSIONS: parseTable(params, 'RETRANSMISSIONS'),
    },
  };
}

function parseTable(params: URLSearchParams, metric: WorkloadInsightsMetric): TableState {
  const { key } = METRIC_TEXT[metric];
  const order = params.get(`${key}.sort`) ?? '';
  const sort = COLUMN_IDS.find((id) => id === order.replace(/^-/, ''));
  return {
    filter: params.get(`${key}.filter`) ?? '',
    sort: sort ?? DEFAULT_TABLE.sort,
    descending: sort === undefined ? DEFAULT_TABLE.descending : order.startsWith('-'),
  };
}

/** The query of the page's address; `""` if every value is the default. */
export function formatPageState(state: PageState): string {
  const params = new URLSearchParams();
  if (state.flowType !== 'ALL') params.set('flow', state.flowType);
  if (state.range !== '1h') params.set('range', state.range);
  if (!state.live) params.set('live', 'off');
  if (state.loopback) params.set('loopback', 'on');
  for (const metric of METRICS) {
    const { key } = METRIC_TEXT[metric];
    const { filter, sort, descending } = state.tables[metric];
    if (filter !== '') params.set(`${key}.filter`, filter);
    if (sort !== DEFAULT_TABLE.sort || descending !== DEFAULT_TABLE.descending) {
      params.set(`${key}.sort`, `${descending ? '-' : ''}${sort}`);
    }
  }
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}
