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

test('docs/reference/openapi.json is up to date; `vitest -u` rewrites it', async () => {
  const file = join(import.meta.dirname, '../../docs/reference/openapi.json');
  await expect(`${JSON.stringify(document, undefined, 1)}\n`).toMatchFileSnapshot(file);
});

test('contains every operation once', () => {
  const ids = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  );
  expect(ids.toSorted()).toEqual(OPERATION_NAMES.toSorted());
});

test('every reference names a schema', () => {
  const names = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map((match) => match[1]);
  expect(names.length).toBeGreaterThan(100);
  for (const name of names) expect(document.components.schemas).toHaveProperty(name ?? '');
});

test('a union has exactly one member, and path members are not in the body', () => {
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
