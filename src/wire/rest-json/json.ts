import { serializationError } from './serialization-error.ts';

const STRINGS_AND_NUMBERS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const LONG_INTEGER = /^-?\d{16,}$/;

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
 * @throws SerializationException when the body is not UTF-8, not JSON or not an object
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
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw serializationError('the body must be JSON in UTF-8', cause);
  }
}
