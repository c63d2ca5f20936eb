import CollectionPreferences from '@cloudscape-design/components/collection-preferences';
import { COLUMN_IDS } from './column-ids.ts';
import { COLUMN_LABEL } from './contributor-columns.tsx';
import { PAGE_SIZES, type Preferences } from './preferences.ts';

export interface TablePreferencesProps {
  readonly preferences: Preferences;
  readonly onChange: (preferences: Preferences) => void;
}

/** The preferences dialog of a table: rows per page, columns and their order. */
export function TablePreferences({ preferences, onChange }: TablePreferencesProps) {
  return (
    <CollectionPreferences
      title="Preferences"
      confirmLabel="Confirm"
      cancelLabel="Cancel"
      preferences={{
        pageSize: preferences.pageSize,
        wrapLines: preferences.wrapLines,
        contentDisplay: preferences.columns,
      }}
      onConfirm={({ detail }) =>
        onChange({
          pageSize: detail.pageSize ?? preferences.pageSize,
          wrapLines: detail.wrapLines ?? preferences.wrapLines,
          columns: detail.contentDisplay ?? preferences.columns,
        })
      }
      pageSizePreference={{
        title: 'Rows per page',
        options: PAGE_SIZES.map((value) => ({ value, label: `${value} rows` })),
      }}
      wrapLinesPreference={{ label: 'Wrap lines', description: 'Show long names in full' }}
      contentDisplayPreference={{
        title: 'Columns',
        options: COLUMN_IDS.map((id) => ({
          id,
          label: COLUMN_LABEL[id],
          alwaysVisible: id === 'value',
        })),
      }}
    />
  );
}
