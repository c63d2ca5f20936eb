/** Collects the items of an async iterable (Node 20 lacks `Array.fromAsync`). */
export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}
