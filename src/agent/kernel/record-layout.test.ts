import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  COMMAND_BYTES,
  PHASES,
  PROGRESS_BYTES,
  PROGRESS_FIELDS,
  RECORD_BYTES,
  RECORD_FIELDS,
  ROUND_TRIPS_BYTES,
  ROUND_TRIPS_FIELDS,
} from './record-layout.ts';
import { DETAILS_FIELDS, DETAILS_LAYOUT } from './socket-details.ts';
import { type StructField, structLayout } from './struct-layout.ts';

const HEADER = readFileSync(join(import.meta.dirname, 'bpf/socket-record.h'), 'utf8');

/** Array lengths that the header names. */
const LENGTHS: Readonly<Record<string, number>> = {
  COMMAND_BYTES,
  PHASES: PHASES.length,
  'CHRONOS - 1': 3,
};

const INTEGERS = ['u8', 'u16', 'u32', 'u64'] as const;

const STRUCT_BYTES: Readonly<Record<string, number>> = {
  round_trips: ROUND_TRIPS_BYTES,
  details: DETAILS_LAYOUT.bytes,
};

/** The fields of a struct of the header. */
function headerFields(struct: string): StructField[] {
  const body = new RegExp(`\nstruct ${struct} \\{\n([^}]*)\\}`).exec(HEADER)?.[1] ?? '';
  const code = body.replaceAll(/\/\*[\s\S]*?\*\//g, '');
  const pattern = /(?:__(u8|u16|u32|u64)|(char)|struct (\w+)) (\w+)(?:\[(.+)\])?;/g;
  return [...code.matchAll(pattern)].map(([, integer, char, inner = '', name = '', length]) => {
    const type = char === undefined ? INTEGERS.find((one) => one === integer) : 'u8';
    const field = [name, type ?? { bytes: STRUCT_BYTES[inner]! }] as const;
    return length === undefined ? field : [...field, LENGTHS[length] ?? Number(length)];
  });
}

/** An array as its elements: `a[0]`, `a[1]`. */
function elements(fields: readonly StructField[]): StructField[] {
  return fields.flatMap(([name, type, length]): StructField[] =>
    length === undefined
      ? [[name, type]]
      : Array.from({ length }, (_, i) => [`${name}[${i}]`, type]),
  );
}

const isNoPadding = ([name]: StructField): boolean => name !== 'padding';

test.each([
  { struct: 'round_trips', fields: ROUND_TRIPS_FIELDS, bytes: ROUND_TRIPS_BYTES },
  { struct: 'socket_record', fields: RECORD_FIELDS, bytes: RECORD_BYTES },
  { struct: 'progress', fields: PROGRESS_FIELDS, bytes: PROGRESS_BYTES },
])('the header lays out struct $struct as the agent reads it', ({ struct, fields, bytes }) => {
  const inHeader = headerFields(struct);
  expect(inHeader.filter(isNoPadding)).toEqual(fields.filter(isNoPadding));
  expect(structLayout(inHeader).bytes).toBe(bytes);
});

test('struct details has a field for each metric that is a number of the socket, in order', () => {
  const inHeader = headerFields('details');
  expect(elements(inHeader.filter(isNoPadding))).toEqual(DETAILS_FIELDS);
  expect(structLayout(inHeader).bytes).toBe(DETAILS_LAYOUT.bytes);
});

test("the compiler's asserted sizes and offsets are those the agent reads by", () => {
  const record = structLayout(RECORD_FIELDS);
  const sizes: Readonly<Record<string, number>> = {
    ...STRUCT_BYTES,
    socket_record: RECORD_BYTES,
    progress: PROGRESS_BYTES,
  };
  const asserted = [...HEADER.matchAll(/sizeof\(struct (\w+)\) == (\d+)/g)];
  expect(asserted.map(([, struct, bytes]) => [struct, Number(bytes)])).toEqual(
    asserted.map(([, struct = '']) => [struct, sizes[struct]]),
  );
  const offsets = [...HEADER.matchAll(/offsetof\(struct socket_record, (\w+)\) == (\d+)/g)];
  expect(offsets.length).toBeGreaterThan(3);
  expect(offsets.map(([, name, offset]) => [name, Number(offset)])).toEqual(
    offsets.map(([, name = '']) => [name, record.offsetOf(name)]),
  );
});
