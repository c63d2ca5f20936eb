/** A ClickHouse parameter type, such as `String` or `Array(String)`. */
export interface Param {
  readonly type: string;
  readonly value: unknown;
}

/**
 * An SQL statement: text with `{pN:Type}` placeholders, and their parameters. Values never enter
 * the text. Identifiers enter it through `name`.
 */
export interface Sql {
  readonly text: string;
  readonly params: Readonly<Record<string, unknown>>;
}

interface Fragment {
  readonly fragment: readonly (string | Param)[];
}

export type SqlFragment = Fragment;

export function param(type: string, value: unknown): Param {
  return { type, value };
}

const IDENTIFIER = /^[a-z_][a-z0-9_.]*$/;

/** An identifier from the code. @throws Error when it has characters of another kind */
export function name(identifier: string): Fragment {
  if (!IDENTIFIER.test(identifier)) throw new Error(`"${identifier}" is not an identifier`);
  return { fragment: [identifier] };
}

/**
 * SQL text that is neither a value nor an identifier: DDL, generated arithmetic, or a literal for
 * which ClickHouse accepts no parameter. The caller ensures that it has no text from a request.
 */
export function raw(text: string): Fragment {
  return { fragment: [text] };
}

/** Builds a statement: `sql`…${param('String', x)} … ${name('column')} … ${anotherFragment}`. */
export function sql(
  texts: TemplateStringsArray,
  ...parts: readonly (Param | Fragment)[]
): Fragment {
  const fragment: (string | Param)[] = [];
  for (const [i, textPart] of texts.entries()) {
    fragment.push(textPart);
    const part = parts[i];
    if (part === undefined) continue;
    if ('fragment' in part) fragment.push(...part.fragment);
    else fragment.push(part);
  }
  return { fragment };
}

export function joinSql(parts: readonly Fragment[], separator: ', ' | ' AND ' | ' OR '): Fragment {
  return {
    fragment: parts.flatMap((part, i) => (i === 0 ? part.fragment : [separator, ...part.fragment])),
  };
}

/** Renders the text and the parameters to send. */
export function printSql(fragment: Fragment): Sql {
  const params: Record<string, unknown> = {};
  let text = '';
  for (const part of fragment.fragment) {
    if (typeof part === 'string') text += part;
    else {
      const key = `p${Object.keys(params).length}`;
      params[key] = part.value;
      text += `{${key}:${part.type}}`;
    }
  }
  return { text, params };
}
