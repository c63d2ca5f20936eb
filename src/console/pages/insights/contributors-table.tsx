import Header from '@cloudscape-design/components/header';
import Pagination from '@cloudscape-design/components/pagination';
import Table from '@cloudscape-design/components/table';
import TextFilter from '@cloudscape-design/components/text-filter';
import { type ReactNode, useState } from 'react';
import type { WorkloadInsightsMetric } from '../../../model/query.ts';
import { COLUMN_IDS } from './column-ids.ts';
import { type Contributor, compareBy, matchesFilter } from './contributor.ts';
import { contributorColumns } from './contributor-columns.tsx';
import { MAX_CONTRIBUTORS } from './load-insights.ts';
import { METRIC_TEXT } from './metrics.ts';
import { NoMatch } from './no-match.tsx';
import type { TableState } from './page-state.ts';
import { TablePreferences } from './table-preferences.tsx';
import { usePreferences } from './use-preferences.ts';

export interface ContributorsTableProps {
  readonly metric: WorkloadInsightsMetric;
  /** Greatest value first. */
  readonly contributors: readonly Contributor[];
  readonly loading: boolean;
  readonly empty: ReactNode;
  readonly table: TableState;
  readonly onTableChange: (table: TableState) => void;
}

/** A table of top contributors with filter, sorting and pages. */
export function ContributorsTable(props: ContributorsTableProps) {
  const { metric, contributors, table, onTableChange } = props;
  const [preferences, setPreferences] = usePreferences();
  const [wantedPage, setPage] = useState(1);
  const { title, unit } = METRIC_TEXT[metric];
  const shown = arrange(contributors, table);
  const pages = Math.max(1, Math.ceil(shown.length / preferences.pageSize));
  const page = Math.min(wantedPage, pages);
  const columns = contributorColumns(unit, contributors[0]?.value ?? 0n);
  const filtering = table.filter.trim() !== '';
  return (
    <Table
      variant="embedded"
      items={shown.slice((page - 1) * preferences.pageSize, page * preferences.pageSize)}
      trackBy="id"
      columnDefinitions={columns}
      columnDisplay={preferences.columns}
      wrapLines={preferences.wrapLines}
      stickyColumns={{ last: 1 }}
      contentDensity="compact"
      sortingColumn={{ sortingField: table.sort }}
      sortingDescending={table.descending}
      onSortingChange={({ detail }) => {
        const sort = COLUMN_IDS.find((id) => id === detail.sortingColumn.sortingField);
        if (sort === undefined) return;
        onTableChange({ ...table, sort, descending: detail.isDescending ?? false });
      }}
      loading={props.loading}
      loadingText="Loading top contributors"
      empty={
        filtering && contributors.length > 0 ? (
          <NoMatch onClear={() => onTableChange({ ...table, filter: '' })} />
        ) : (
          props.empty
        )
      }
      ariaLabels={{ tableLabel: `Top contributors, ${title}` }}
      header={
        <Header variant="h3" counter={counterOf(contributors.length)}>
          Top contributors
        </Header>
      }
      filter={
        <TextFilter
          filteringText={table.filter}
          filteringPlaceholder="Filter by subnet, Availability Zone, VPC ID, or other values"
          filteringAriaLabel={`Filter top contributors, ${title}`}
          filteringClearAriaLabel="Clear the filter"
          countText={filtering ? matchesText(shown.length) : ''}
          onChange={({ detail }) => {
            setPage(1);
            onTableChange({ ...table, filter: detail.filteringText });
          }}
        />
      }
      pagination={
        <Pagination
          currentPageIndex={page}
          pagesCount={pages}
          onChange={({ detail }) => setPage(detail.currentPageIndex)}
          ariaLabels={{
            paginationLabel: `Pages of top contributors, ${title}`,
            nextPageLabel: 'Next page',
            previousPageLabel: 'Previous page',
            pageLabel: (number) => `Page ${number}`,
          }}
        />
      }
      preferences={<TablePreferences preferences={preferences} onChange={setPreferences} />}
    />
  );
}

function arrange(
  contributors: readonly Contributor[],
  { filter, sort, descending }: TableState,
): readonly Contributor[] {
  const compare = compareBy(sort);
  return contributors
    .filter((row) => matchesFilter(row, filter))
    .sort((a, b) => (descending ? compare(b, a) : compare(a, b)));
}

/** A full table may not hold all contributors. */
function counterOf(count: number): string {
  return count < MAX_CONTRIBUTORS ? `(${count})` : `(first ${count})`;
}

function matchesText(count: number): string {
  return count === 1 ? '1 match' : `${count} matches`;
}
