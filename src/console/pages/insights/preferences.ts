import { COLUMN_IDS, type ColumnId } from './column-ids.ts';

export const PAGE_SIZES = [10, 20, 50, 100] as const;

export interface ColumnDisplay {
  readonly id: string;
  readonly visible: boolean;
}

/** Preferences for the tables. They are stored in the browser and are not part of the address. */
export interface Preferences {
  readonly pageSize: number;
  readonly wrapLines: boolean;
  /** In display order. */
  readonly columns: readonly ColumnDisplay[];
}

export const DEFAULT_PREFERENCES: Preferences = {
  pageSize: 10,
  wrapLines: false,
  columns: COLUMN_IDS.map((id) => ({ id, visible: true })),
};

/** Reads stored preferences. Missing and unknown values get their defaults. */
export function parsePreferences(text: string | null): Preferences {
  const raw = parseObject(text);
  return {
    pageSize: PAGE_SIZES.find((size) => size === raw.pageSize) ?? DEFAULT_PREFERENCES.pageSize,
    wrapLines: raw.wrapLines === true,
    columns: parseColumns(raw.columns),
  };
}

function parseObject(text: string | null): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text ?? '{}');
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}

function parseColumns(raw: unknown): readonly ColumnDisplay[] {
  const known = (Array.isArray(raw) ? raw : []).flatMap(parseColumn);
  const missing = COLUMN_IDS.filter((id) => !known.some((column) => column.id === id));
  return [...known, ...missing.map((id) => ({ id, visible: true }))];
}

function parseColumn(raw: unknown): { id: ColumnId; visible: boolean }[] {
  if (typeof raw !== 'object' || raw === null) return [];
  const id = COLUMN_IDS.find((known) => known === Reflect.get(raw, 'id'));
  return id === undefined ? [] : [{ id, visible: Reflect.get(raw, 'visible') !== false }];
}
