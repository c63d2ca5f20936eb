import { serializationError } from './serialization-error.ts';

const STRINGS_AND_NUMBERS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const STRINGS_AND_BRACKETS = /"(?:[^"\\]|\\.)*"|[[\]{}]/g;
const LONG_INTEGER = /^-?\d{16,}$/;

/** Values of requests are read recursively; the deepest, a policy, has 5 levels. */
const MAX_DEPTH = 32;

/** JSON with bigint as exact numbers and undefined members left out. */
export function encodeJson(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(encodeJson).join(',')}]`;
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) => `${JSON.stringify(name)}:${encodeJson(member)}`);
  return `{${members.join(',')}}`;
}

/**
 * Parses JSON without rounding: integers of 16 digits and more become strings of their digits.
 * (`JSON.parse` turns 18446744073709551615 into 18446744073709552000.)
 *
 * @throws SyntaxError
 */
export function parseExactJson(text: string): unknown {
  const exact = text.replace(STRINGS_AND_NUMBERS, (token) =>
    LONG_INTEGER.test(token) ? `"${token}"` : token,
  );
  return JSON.parse(exact);
}

/**
 * Parses the JSON object of a request body; an empty body is `{}`.
 *
 * @throws SerializationException when the body is not UTF-8, not JSON, not an object, or nested
 * deeper than 32
 */
export function parseJsonBody(body: Uint8Array): Readonly<Record<string, unknown>> {
  if (body.length === 0) return {};
  const value = parseUtf8Json(body);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw serializationError('the body must be a JSON object');
  }
  return { ...value };
}

function parseUtf8Json(body: Uint8Array): unknown {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    value = JSON.parse(text);
  } catch (cause) {
    throw serializationError('the body must be JSON in UTF-8', cause);
  }
  if (depthOf(text) > MAX_DEPTH) {
    throw serializationError(`the body must not be nested deeper than ${MAX_DEPTH}`);
  }
  return value;
}

/** How deep arrays and objects are nested in well-formed JSON. */
function depthOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [bracket] of json.matchAll(STRINGS_AND_BRACKETS)) {
    if (bracket === '[' || bracket === '{') depth += 1;
    else if (bracket === ']' || bracket === '}') depth -= 1;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}
