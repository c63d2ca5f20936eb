import type { Owner } from '../../../model/owner.ts';
import type { Resource } from '../../graph/resource.ts';
import { checkInventory } from './check-inventory.ts';
import { inventoryResources } from './inventory-resources.ts';
import { type DocumentProblem, readDocument } from './located-document.ts';
import { placeInventory } from './placed-inventory.ts';
import type { SchemaCheck } from './schema-problems.ts';

export type InventoryReading =
  | { readonly status: 'read'; readonly resources: readonly Resource[] }
  | { readonly status: 'refused'; readonly problems: readonly DocumentProblem[] };

/**
 * Reads a YAML or JSON inventory. Returns its resources, or all its faults: first those against the
 * schema, and without any, those between its parts.
 */
export async function readInventory(
  text: string,
  { fallback, check }: { readonly fallback: Owner; readonly check: SchemaCheck },
): Promise<InventoryReading> {
  const reading = await readDocument(text);
  if (reading.status === 'refused') return reading;
  const { document } = reading;
  const checked = check(document);
  if (checked.status === 'invalid') return { status: 'refused', problems: checked.problems };
  const problems: DocumentProblem[] = [];
  const placed = placeInventory(checked.inventory, fallback, (path, message) => {
    problems.push(document.problemAt(path, message));
  });
  checkInventory(placed, (path, message) => problems.push(document.problemAt(path, message)));
  if (problems.length > 0) return { status: 'refused', problems: problems.sort(byLine) };
  return { status: 'read', resources: inventoryResources(placed) };
}

function byLine(a: DocumentProblem, b: DocumentProblem): number {
  return a.line - b.line;
}

/** Further problems are only counted. */
const MAX_SHOWN = 20;

/** One problem per line, such as `line 3: networks[0].name: is required`. */
export function problemText(problems: readonly DocumentProblem[]): string {
  const shown = problems.slice(0, MAX_SHOWN).map(({ line, member, message }) => {
    return `line ${line}: ${member === '' ? '' : `${member}: `}${message}`;
  });
  const rest = problems.length - shown.length;
  return [...shown, ...(rest > 0 ? [`and ${rest} more`] : [])].join('\n');
}
