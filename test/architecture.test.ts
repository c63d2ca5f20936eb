import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const source = join(root, 'src');
/** Folders outside src that are checked too. */
const beside = ['bench', 'eval', 'test'];

/** The table of ARCHITECTURE.md: the folders that each folder may import. */
const allowed = readImportTable();

interface Import {
  readonly file: string;
  readonly target: string;
}

function readImportTable(): Readonly<Record<string, readonly string[]>> {
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
  const [, section = ''] = text.split('## Who may import whom');
  const rows = [...section.matchAll(/^\| ([a-z, ]+) \| ([a-z, –]+) \|$/gm)]
    .map(([, folders = '', imports = '']) => ({ folders: list(folders), imports: list(imports) }))
    .filter(({ folders }) => !folders.includes('folder'));
  return Object.fromEntries(
    rows.flatMap(({ folders, imports }) => folders.map((folder) => [folder, expand(imports)])),
  );
}

/** Expands "everything but a, b" to all other folders of src. */
function expand([first = '', ...rest]: readonly string[]): readonly string[] {
  const [, excepted] = first.split('everything but ');
  if (excepted === undefined) return [first, ...rest];
  return readdirSync(source).filter((folder) => ![excepted, ...rest].includes(folder));
}

function list(cell: string): string[] {
  return cell.split(',').map((word) => word.trim());
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder).flatMap((entry) => {
    const path = join(folder, entry);
    if (statSync(path).isDirectory()) return sourceFiles(path);
    return /\.tsx?$/.test(entry) ? [path] : [];
  });
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const found = text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g);
  return [...found].map((match) => ({ file, target: join(file, '..', match[1] ?? '') }));
}

const files = [source, ...beside.map((folder) => join(root, folder))].flatMap(sourceFiles);

/** `agent` for src/agent/main.ts, `bench` for bench/main.ts. */
function folderOf(path: string): string {
  const [top = '', second = ''] = relative(root, path).split('/');
  return top === 'src' ? second : top;
}

function mayImport({ file, target }: Import): boolean {
  const from = folderOf(file);
  const forTests = [...(allowed['every test'] ?? []), ...(allowed[`tests of ${from}`] ?? [])];
  const imports = [...(allowed[from] ?? []), ...(/\.test\.tsx?$/.test(file) ? forTests : [])];
  return from === folderOf(target) || imports.includes(folderOf(target));
}

test('every folder is in the import table', () => {
  expect([...new Set(files.map(folderOf))].filter((folder) => !(folder in allowed))).toEqual([]);
});

test('no folder imports one the table does not allow', () => {
  const broken = files.flatMap(importsOf).filter((one) => !mayImport(one));
  expect(
    broken.map(({ file, target }) => `${relative(root, file)} imports ${folderOf(target)}`),
  ).toEqual([]);
});

test('native code is loaded only by the agent kernel folder, and ClickHouse only by the store', () => {
  const doors: Readonly<Record<string, RegExp>> = {
    'agent/kernel': /^(?:import|}).* from 'koffi'/m,
    store: /^(?:import|}).* from '(chdb|@clickhouse\/client)/m,
  };
  const broken = files.flatMap((file) => {
    const text = readFileSync(file, 'utf8');
    return Object.entries(doors)
      .filter(
        ([folder, pattern]) => pattern.test(text) && !relative(source, file).startsWith(folder),
      )
      .map(([folder]) => `${relative(source, file)} belongs in ${folder}`);
  });
  expect(broken).toEqual([]);
});

test('nothing calls setInterval with an async function: its errors and overlaps would be lost', () => {
  const broken = files.filter((file) => /setInterval\(\s*async/.test(readFileSync(file, 'utf8')));
  expect(broken).toEqual([]);
});
