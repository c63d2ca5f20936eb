import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeJson, parseExactJson, parseJsonBody } from './json.ts';

test('64-bit integers are written and read exactly', () => {
  const value = 2n ** 64n - 1n;
  expect(encodeJson({ value, list: [value, undefined], none: undefined })).toBe(
    '{"value":18446744073709551615,"list":[18446744073709551615,null]}',
  );
  expect(parseExactJson('{"value":18446744073709551615}')).toEqual({
    value: '18446744073709551615',
  });
});

test('digits inside strings and long fractions are unchanged', () => {
  const text = '{"a\\"12345678901234567890":"12345678901234567890","b":0.12345678901234567890}';
  expect(parseExactJson(text)).toEqual(JSON.parse(text));
});

test('JSON without long integers is parsed like JSON.parse and written like JSON.stringify', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      expect(encodeJson(JSON.parse(text))).toBe(text);
      fc.pre(!/\d{16}/.test(text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '')));
      expect(parseExactJson(text)).toEqual(JSON.parse(text));
    }),
  );
});

const refused = [
  { name: 'not UTF-8', body: Uint8Array.of(0x7b, 0xff, 0x7d) },
  { name: 'not JSON', body: Buffer.from('{') },
  { name: 'an array', body: Buffer.from('[]') },
  { name: 'null', body: Buffer.from('null') },
  { name: 'a string', body: Buffer.from('"x"') },
  { name: 'nested 33 deep', body: Buffer.from(`${'{"a":'.repeat(33)}1${'}'.repeat(33)}`) },
  {
    name: 'nested 5,000 deep',
    body: Buffer.from(`{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`),
  },
];
test.each(refused)('a body that is $name is a SerializationException', ({ body }) => {
  expect(() => parseJsonBody(body)).toThrow(
    expect.objectContaining({ name: 'SerializationException' }),
  );
});

test('a very deep body is rejected without exhausting the stack', () => {
  const deep = Buffer.from(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`);
  expect(() => parseJsonBody(deep)).toThrow('must not be nested deeper than 32');
});

test('an empty body is an empty object', () => {
  expect(parseJsonBody(new Uint8Array())).toEqual({});
});

test('brackets in strings are not nesting', () => {
  const value = { a: '['.repeat(100), b: ['"{', [[]]] };
  expect(parseJsonBody(Buffer.from(JSON.stringify(value)))).toEqual(value);
});
