import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { botocoreModel, botocorePaginators } from './botocore-model.ts';

const factsFile = join(import.meta.dirname, '../../test/fixtures/contract/facts.json');

interface Facts {
  readonly metadata: unknown;
  readonly operations: Readonly<Record<string, unknown>>;
  readonly shapes: Readonly<Record<string, unknown>>;
  readonly pagination: unknown;
}

/** Intended differences from AWS's model. */
const intended: Readonly<Record<string, { readonly why: string; readonly ours: unknown }>> = {
  DestinationCategory: {
    why: 'the live service takes 11 categories; its model lists 7',
    ours: {
      type: 'string',
      enum: [
        'AMAZON_DYNAMODB',
        'AMAZON_S3',
        'AWS_SERVICE',
        'INTERNET',
        'INTER_AZ',
        'INTER_REGION',
        'INTER_VPC',
        'INTRA_AZ',
        'LOCAL_ZONE',
        'TRANSIT_GATEWAY',
        'UNCLASSIFIED',
      ],
    },
  },
  UuidString: {
    why: 'client tokens: the user guide says up to 64 ASCII characters, the model a UUID',
    ours: { type: 'string', min: 1, max: 64, pattern: '[ -~]+' },
  },
};

const facts = JSON.parse(readFileSync(factsFile, 'utf8')) as Facts;
const model = JSON.parse(JSON.stringify(botocoreModel())) as Facts;

/** Sorts enum values and errors, whose order has no meaning. */
function unordered(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(unordered);
    return items.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, unordered(item)]));
}

test('the derived model has the operations, paths, traits and errors of facts.json', () => {
  expect(unordered(model.operations)).toEqual(unordered(facts.operations));
  expect(model.metadata).toEqual(facts.metadata);
});

test('the derived model has the shapes and constraints of facts.json, except for the intended differences', () => {
  const expected = { ...facts.shapes };
  for (const [name, { ours }] of Object.entries(intended)) {
    expect(unordered(expected[name])).not.toEqual(unordered(ours));
    expected[name] = ours;
  }
  expect(unordered(model.shapes)).toEqual(unordered(expected));
});

test('the derived paginators equal those of facts.json', () => {
  expect(botocorePaginators()).toEqual({ pagination: facts.pagination });
});
