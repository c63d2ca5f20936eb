import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openApiDocument } from './openapi.ts';
import { OPERATION_NAMES } from './operations.ts';

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { operationId: string }>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

const text = JSON.stringify(openApiDocument());
const document = JSON.parse(text) as Document;

test('the document in docs/reference is the one derived now; `vitest -u` writes it anew', async () => {
  const file = join(import.meta.dirname, '../../docs/reference/openapi.json');
  await expect(`${JSON.stringify(document, undefined, 1)}\n`).toMatchFileSnapshot(file);
});

test('every operation is in the document once', () => {
  const ids = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  );
  expect(ids.toSorted()).toEqual(OPERATION_NAMES.toSorted());
});

test('every reference leads to a schema', () => {
  const names = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map((match) => match[1]);
  expect(names.length).toBeGreaterThan(100);
  for (const name of names) expect(document.components.schemas).toHaveProperty(name ?? '');
});

test('a union takes exactly one member, and what is in the path is no part of the body', () => {
  expect(document.components.schemas.TargetId).toMatchObject({
    minProperties: 1,
    maxProperties: 1,
  });
  expect(document.paths['/scopes/{scopeId}']?.patch).toMatchObject({
    parameters: [{ name: 'scopeId', in: 'path', required: true }],
    requestBody: {
      content: {
        'application/json': {
          schema: { properties: { resourcesToAdd: {}, resourcesToDelete: {} }, required: [] },
        },
      },
    },
  });
});
