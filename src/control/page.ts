/** What a page of a list begins after, and how long it may be. */
export interface PageRequest {
  readonly limit: number;
  /** The `next` of the page before. */
  readonly after?: string | undefined;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Present when there is more. */
  readonly next?: string | undefined;
}

/** A page of rows that were asked for with one more than `limit`; `keyOf` is what `after` means. */
export function pageOf<Item>(
  items: readonly Item[],
  limit: number,
  keyOf: (item: Item) => string,
): Page<Item> {
  const last = items[limit - 1];
  if (items.length <= limit || last === undefined) return { items };
  return { items: items.slice(0, limit), next: keyOf(last) };
}
