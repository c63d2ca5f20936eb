/** A ClickHouse parameter type, such as `String` or `Array(String)`. */
export interface Param {
  readonly type: string;
  readonly value: unknown;
}

/**
 * SQL as a value: text with `{pN:Type}` placeholders, and the parameters for them. Values never
 * enter the text; identifiers come from `model/columns.ts` by `name`.
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

/** An identifier of ours; anything else is a mistake in the code. */
export function name(identifier: string): Fragment {
  if (!IDENTIFIER.test(identifier)) throw new Error(`"${identifier}" is no identifier`);
  return { fragment: [identifier] };
}

/**
 * SQL text that is no value and no identifier: DDL, a literal that ClickHouse takes no parameter for,
 * generated arithmetic. The caller makes sure that nothing from outside is in it.
 */
export function raw(text: string): Fragment {
  return { fragment: [text] };
}

/** Builds SQL: `sql`…${param('String', x)} … ${name('column')} … ${anotherFragment}`. */
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

/** The text and parameters to send. */
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
