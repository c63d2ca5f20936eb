import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** The files that the console imports. */
const forBrowsers = [
  'network-flow-monitor-client.ts',
  'cookie-transport.ts',
  'run-query.ts',
  'query-steps.ts',
  'service-error.ts',
  'waiters.ts',
  'collect.ts',
];

/** The imports of a file and, transitively, of its imports, without those of types. */
function runtimeImports(file: string, seen = new Map<string, string[]>()): Map<string, string[]> {
  if (seen.has(file)) return seen;
  const text = readFileSync(file, 'utf8');
  const found = [...text.matchAll(/^(?:import|export) (?!type\b)[^;]*?from '([^']+)'/gms)];
  const names = found.map((match) => match[1] ?? '');
  seen.set(file, names);
  for (const name of names.filter((one) => one.startsWith('.'))) {
    runtimeImports(join(file, '..', name), seen);
  }
  return seen;
}

test.each(forBrowsers)('%s imports neither Node modules nor packages', (name) => {
  const foreign = [...runtimeImports(join(import.meta.dirname, name))].flatMap(([file, names]) =>
    names.filter((one) => !one.startsWith('.')).map((one) => `${file} imports ${one}`),
  );
  expect(foreign).toEqual([]);
});
