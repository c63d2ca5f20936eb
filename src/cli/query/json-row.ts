import type { Categorized } from '../lib/contributor-query.ts';

/** The row as the API returned it, with the category of its query. */
export function jsonRow<Row>({ category, row }: Categorized<Row>) {
  return { destinationCategory: category, ...row };
}
