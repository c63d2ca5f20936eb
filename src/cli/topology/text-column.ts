import type { Column } from '../lib/format-table.ts';

/** The members of an answer that are text or absent. */
export type TextMembers = Readonly<Record<string, string | undefined>>;

/** A column with the member of that name. */
export function textColumn(title: string, name: string): Column<TextMembers> {
  return { title, value: (row) => String(row[name] ?? '') };
}
