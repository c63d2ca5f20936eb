import { setImmediate as immediate } from 'node:timers/promises';
import {
  Composer,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
} from 'yaml';
import { errorMessage } from '../../../lib/error-details.ts';

/** The path to a member: names of members and indexes of list items. */
export type MemberPath = readonly (string | number)[];

/** A fault of a document. */
export interface DocumentProblem {
  /** From 1. */
  readonly line: number;
  /** e.g. `networks[0].subnets[1].zone`; "" for the document itself. */
  readonly member: string;
  readonly message: string;
}

/** A YAML or JSON document that can locate its members. */
export interface LocatedDocument {
  readonly value: unknown;
  readonly problemAt: (path: MemberPath, message: string) => DocumentProblem;
}

export type ReadDocument =
  | { readonly status: 'read'; readonly document: LocatedDocument }
  | { readonly status: 'refused'; readonly problems: readonly DocumentProblem[] };

/** Limits memory: a lexeme takes up to 500 bytes, so all lexemes take up to 250 MB. */
const MAX_LEXEMES = 500_000;
/**
 * Maximum number of open nodes of the parser; an inventory has about 10. With some thousand the
 * composer exhausts the stack, and V8 then ends the process when it compiles a regular expression.
 */
const MAX_OPEN_NODES = 200;
/** Lexemes between two pauses; they take about 10 ms. */
const LEXEMES_AT_ONCE = 5_000;

/**
 * Reads a YAML 1.2 or JSON document. Most of the work is done in pieces, and requests are answered
 * in between. 10,000 hosts (560 kB) take 0.4 s of CPU in all; the longest piece takes 0.15 s.
 */
export async function readDocument(text: string): Promise<ReadDocument> {
  const lines = new LineCounter();
  const lineAt = (offset: number) => lines.linePos(offset).line;
  const refused = (line: number, message: string): ReadDocument => {
    return { status: 'refused', problems: [{ line, member: '', message }] };
  };
  const tokens = await scan(text, lines);
  if (tokens === 'too large')
    return refused(1, 'too large: split the document, or let agents report the hosts');
  if (tokens === 'too deep') return refused(1, 'the document is nested too deeply');
  const [document, second] = new Composer({ prettyErrors: false }).compose(
    tokens,
    true,
    text.length,
  );
  if (document === undefined) return refused(1, 'expected a document');
  if (second !== undefined) return refused(lineAt(second.range[0]), 'expected one document');
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    const problems = faults.map(({ pos, message }) => ({
      line: lineAt(pos[0]),
      member: '',
      message,
    }));
    return { status: 'refused', problems };
  }
  const problemAt = (path: MemberPath, message: string) => {
    return { line: lineAt(offsetOf(document, path)), member: memberText(path), message };
  };
  try {
    return { status: 'read', document: { value: document.toJS(), problemAt } };
  } catch (error) {
    // Aliases of aliases can multiply the size of a document; the parser then throws.
    return refused(1, errorMessage(error));
  }
}

async function scan(text: string, lines: LineCounter) {
  lines.addNewLine(0);
  const parser = new Parser(lines.addNewLine);
  const tokens = [];
  let count = 0;
  for (const lexeme of new Lexer().lex(text)) {
    tokens.push(...parser.next(lexeme));
    count += 1;
    if (count > MAX_LEXEMES) return 'too large';
    if (parser.stack.length > MAX_OPEN_NODES) return 'too deep';
    if (count % LEXEMES_AT_ONCE === 0) await immediate();
  }
  tokens.push(...parser.end());
  return tokens;
}

/** The offset of the name of a member; of a missing one, the offset of its parent. */
function offsetOf(document: Document.Parsed, path: MemberPath): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range[0] ?? 0;
  for (const step of path) {
    const member = memberOf(isAlias(node) ? node.resolve(document) : node, step);
    if (member === undefined) break;
    ({ offset, node } = member);
  }
  return offset;
}

function memberOf(node: unknown, step: string | number) {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && key.value === step);
    return isScalar(pair?.key) ? { offset: startOf(pair.key), node: pair.value } : undefined;
  }
  const item = isSeq(node) && typeof step === 'number' ? node.items[step] : undefined;
  return isNode(item) ? { offset: startOf(item), node: item } : undefined;
}

function startOf({ range }: Node): number {
  return range?.[0] ?? 0;
}

function memberText(path: MemberPath): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .replace(/^\./, '');
}
