import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const DECISIONS = 'docs/decisions';
const MAX_COLUMNS = 100;
/**
 * The documents whose lines must be wrapped. Excludes the changelog, because every change adds
 * lines to it.
 */
const WRAPPED = /^(README|CONTRIBUTING|ARCHITECTURE)\.md$|^docs\/|^examples\//;
const CLI_HELP = 'test/golden/cli';
/** Programs that `bin/nfm` runs in addition to the commands of the CLI. */
const PROGRAMS = ['server', 'agent', 'lab'];
/** The height of a screen. */
const MAX_DECISION_LINES = 40;

const documents = [
  ...readdirSync(ROOT)
    .filter((name) => name.endsWith('.md'))
    .sort(),
  ...['docs', 'examples'].flatMap(filesBelow).filter((name) => name.endsWith('.md')),
];
const decisions = readdirSync(join(ROOT, DECISIONS))
  .filter((name) => name !== 'README.md')
  .sort();

test('documents link only to files that exist', () => {
  expect(documents.flatMap(missingTargets)).toEqual([]);
});

test('sources name only documents that exist', () => {
  const named = ['src', 'bench', 'eval', 'packaging', 'scripts', 'examples'].flatMap((folder) =>
    filesBelow(folder).flatMap((file) =>
      [...textOf(file).matchAll(/docs\/[\w/-]+\.(?:md|json)/g)].map(([path]) => ({ file, path })),
    ),
  );
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter(({ path }) => !existsSync(join(ROOT, path)))).toEqual([]);
});

test('documents are wrapped at 100 columns', () => {
  const wrapped = documents.filter((name) => WRAPPED.test(name));
  expect(wrapped.flatMap(longLines)).toEqual([]);
});

test('a decision is one note: date, context, choice, consequence, at most a screen', () => {
  for (const name of decisions) {
    const text = textOf(`${DECISIONS}/${name}`);
    const lines = text.trimEnd().split('\n');
    expect(lines.length, name).toBeLessThanOrEqual(MAX_DECISION_LINES);
    expect(lines[0], name).toMatch(/^# \S/);
    expect(lines[2]).toBe(name.slice(0, '2026-01-01'.length));
    for (const part of ['Context', 'Choice', 'Consequence']) {
      expect(text, name).toContain(`**${part}.**`);
    }
  }
});

test('the index lists every decision once, under its own title, newest first', () => {
  const rows = [
    ...textOf(`${DECISIONS}/README.md`).matchAll(/^\| (\S+) \| .* \[(.*)\]\((.*)\) \|$/gm),
  ];
  expect(rows.map(([, , , file]) => file).sort()).toEqual(decisions);
  for (const [, date, title, file] of rows) {
    expect(file?.startsWith(`${date}-`), file).toBe(true);
    expect(textOf(`${DECISIONS}/${file}`).split('\n')[0]).toBe(`# ${title}`);
  }
  const dates = rows.map(([, date]) => date);
  expect(dates).toEqual(dates.toSorted().reverse());
});

test('commands in documents exist, with the flags they use', () => {
  const cli = readdirSync(join(ROOT, CLI_HELP)).map((name) => name.replace(/\.txt$/, ''));
  const help = [
    ...cli.map((name) => textOf(`${CLI_HELP}/${name}.txt`)),
    textOf('test/golden/server-help.txt'),
    textOf('docs/reference/agent.md'),
  ].join('\n');
  const isGroup = (name: string) => cli.some((one) => one.startsWith(`nfm-${name}-`));
  const isCommand = (name: string) =>
    PROGRAMS.includes(name) || (cli.includes(`nfm-${name}`) && !isGroup(name));
  for (const document of documents.filter((name) => !name.startsWith(DECISIONS))) {
    for (const line of commandsIn(document)) {
      const [first = '', second = ''] = line.replace(/^.*bin\/nfm +/, '').split(/ +/);
      expect([first, `${first}-${second}`].some(isCommand), `${document}: ${line}`).toBe(true);
      for (const [flag] of line.matchAll(/(?<= )--[a-z][a-z-]+/g)) {
        expect(help, `${document}: ${line}`).toContain(flag);
      }
    }
  }
});

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(ROOT, join(parentPath, name)))
    .sort();
}

function missingTargets(document: string): string[] {
  return [...textOf(document).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
    .map(([, target]) => `${target}`)
    .filter((target) => !/^\w+:/.test(target))
    .filter((target) => !existsSync(join(ROOT, dirname(document), target)))
    .map((target) => `${document}: ${target}`);
}

/** Lines that are too long, except tables, code and what cannot be broken. */
function longLines(document: string): string[] {
  let inCode = false;
  return textOf(document)
    .split('\n')
    .filter((line) => {
      if (line.trimStart().startsWith('```')) inCode = !inCode;
      const isExempt = inCode || line.startsWith('|') || !line.trim().includes(' ');
      return !isExempt && line.length > MAX_COLUMNS;
    })
    .map((line) => `${document}: ${line}`);
}

/** Lines of code blocks that run `bin/nfm`. */
function commandsIn(document: string): string[] {
  const blocks = textOf(document).match(/^```.*?^```/gms) ?? [];
  return blocks.flatMap((block) => block.split('\n')).filter((line) => /bin\/nfm /.test(line));
}

function textOf(document: string): string {
  return readFileSync(join(ROOT, document), 'utf8');
}
