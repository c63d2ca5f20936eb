import type { TableProps } from '@cloudscape-design/components/table';
import type { ReactNode } from 'react';
import { WORKLOAD_LABELS } from '../../../model/contributor-labels.ts';
import { formatValue } from '../../../model/format-value.ts';
import type { MetricUnit } from '../../../model/query.ts';
import { COLUMN_IDS, type ColumnId } from './column-ids.ts';
import type { Contributor } from './contributor.ts';
import { ValueBar } from './value-bar.tsx';

export const COLUMN_LABEL: Readonly<Record<ColumnId, string>> = {
  ...WORKLOAD_LABELS,
  remoteResource: WORKLOAD_LABELS.remoteIdentifier,
  category: WORKLOAD_LABELS.destinationCategory,
};

/** The columns of a table. `max` is its greatest value, which gets the longest bar. */
export function contributorColumns(
  unit: MetricUnit,
  max: bigint,
): readonly TableProps.ColumnDefinition<Contributor>[] {
  return COLUMN_IDS.map((id) => ({
    id,
    header: COLUMN_LABEL[id],
    sortingField: id,
    isRowHeader: id === 'localSubnetId',
    cell: (row) => cellOf(row, id, { unit, max }),
  }));
}

function cellOf(
  row: Contributor,
  id: ColumnId,
  { unit, max }: { readonly unit: MetricUnit; readonly max: bigint },
): ReactNode {
  if (id === 'value') {
    const share = max === 0n ? 0 : Number(row.value) / Number(max);
    return <ValueBar text={formatValue(row.value, unit)} share={share} />;
  }
  if (id === 'remoteResource' && row.remoteIdentifier !== '') {
    return <span title={row.remoteIdentifier}>{row.remoteResource}</span>;
  }
  // An en dash marks an unknown value, because an empty cell could mean that there is none.
  return row[id] === '' ? '–' : row[id];
}
