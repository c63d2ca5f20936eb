import { serializationError } from './serialization-error.ts';

export interface Target {
  /** The raw path, still URL-encoded. */
  readonly path: string;
  /** Decoded names and values in the order sent; a name without `=` has the value "". */
  readonly query: readonly (readonly [name: string, value: string])[];
}

/**
 * Splits a raw request target without `URL`, which would resolve dot segments and recode characters.
 * A `+` is a plus sign (RFC 3986), as SigV4 clients encode spaces as %20.
 *
 * @throws SerializationException when the query string is not percent-encoded UTF-8
 */
export function splitTarget(target: string): Target {
  const mark = target.indexOf('?');
  if (mark === -1) return { path: target, query: [] };
  const pairs = target
    .slice(mark + 1)
    .split('&')
    .filter((pair) => pair !== '');
  return { path: target.slice(0, mark), query: pairs.map(decodePair) };
}

function decodePair(pair: string): readonly [string, string] {
  const equals = pair.indexOf('=');
  const [name, value] =
    equals === -1 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
  try {
    return [decodeURIComponent(name), decodeURIComponent(value)];
  } catch (cause) {
    throw serializationError('the query string must be percent-encoded UTF-8', cause);
  }
}
