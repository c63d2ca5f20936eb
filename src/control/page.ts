export interface PageRequest {
  readonly limit: number;
  /** The `next` of the previous page. */
  readonly after?: string | undefined;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Present if there are more items. */
  readonly next?: string | undefined;
}

/**
 * Makes a page of items that were read with a limit of one more than `limit`. `positionOf` gives
 * the `after` of the page that follows an item.
 */
export function pageOf<Item>(
  items: readonly Item[],
  limit: number,
  positionOf: (item: Item) => string,
): Page<Item> {
  const last = items[limit - 1];
  if (items.length <= limit || last === undefined) return { items };
  return { items: items.slice(0, limit), next: positionOf(last) };
}
