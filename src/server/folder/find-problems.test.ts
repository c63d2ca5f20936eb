import { expect, test } from 'vitest';
import { findProblems, problemText } from './find-problems.ts';
import type { FolderFacts } from './folder-facts.ts';
import { newManifest } from './manifest.ts';

const GENERATION = 7;
const mark = { installation: 'a', generation: GENERATION };
const part = { exists: true, mark };

const WHOLE: FolderFacts = {
  manifest: { ...newManifest('a'), generation: GENERATION, masterKey: 'abc' },
  masterKey: { exists: true, fingerprint: 'abc' },
  hasCredentials: true,
  ledger: { ...part, journalId: 1, highestNumber: 40, resumeSegment: 3 },
  journal: { ...part, newestSegment: 3, hasRecords: true },
  accepted: part,
  control: part,
  store: part,
};

const problemsOf = (facts: Partial<FolderFacts>) =>
  problemText(findProblems({ ...WHOLE, ...facts }));
const markedAt = (generation: number) => ({ ...part, mark: { ...mark, generation } });

test('parts with the mark of the manifest belong together', () => {
  expect(problemsOf({})).toBe('');
});

test('a start that was interrupted leaves some parts one generation ahead', () => {
  expect(problemsOf({ control: markedAt(8), ledger: { ...WHOLE.ledger, ...markedAt(8) } })).toBe(
    '',
  );
});

test('a part that is lost, older or from elsewhere is named', () => {
  expect(problemsOf({ control: { exists: false } })).toBe('control database is missing');
  expect(problemsOf({ store: markedAt(6) })).toBe('store is older than the other parts');
  const foreign = { ...part, mark: { ...mark, installation: 'b' } };
  expect(problemsOf({ accepted: foreign })).toBe('accepted.json belongs to another data folder');
  expect(problemsOf({ store: { exists: true } })).toBe('store belongs to another data folder');
  expect(problemsOf({ masterKey: { exists: true, fingerprint: 'other' } })).toBe(
    'master.key belongs to another data folder',
  );
});

test('a ledger that does not know a batch of the store is older', () => {
  expect(problemsOf({ store: { ...part, highestNumber: 41 } })).toBe(
    'batches.log is older than the other parts',
  );
});

test('a journal that ends before the position of the ledger is older', () => {
  expect(problemsOf({ journal: { ...WHOLE.journal, newestSegment: 2 } })).toBe(
    'journal is older than the other parts',
  );
});

test('a manifest that several starts are not in is older, and marks without one show its loss', () => {
  expect(problemsOf({ control: markedAt(9), store: markedAt(9) })).toBe(
    'manifest.json is older than the other parts',
  );
  expect(problemsOf({ manifest: undefined })).toBe('manifest.json is missing');
});

const UNMARKED: Partial<FolderFacts> = {
  manifest: undefined,
  ledger: { ...WHOLE.ledger, mark: undefined },
  journal: { ...WHOLE.journal, mark: undefined },
  accepted: { exists: false },
  control: { exists: true },
  store: { exists: true },
};
const NONE = { exists: false };

test('a folder of an earlier version is whole with the parts that its data needs', () => {
  expect(problemsOf(UNMARKED)).toBe('');
  expect(problemsOf({ ...UNMARKED, ledger: { ...WHOLE.ledger, ...NONE, mark: undefined } })).toBe(
    'batches.log is missing',
  );
  expect(problemsOf({ ...UNMARKED, control: NONE })).toBe('control database is missing');
  expect(problemsOf({ ...UNMARKED, store: NONE })).toBe('store is missing');
});

test('a folder whose first start did not finish has no problems', () => {
  expect(problemsOf({ manifest: newManifest('a'), control: NONE, store: NONE })).toBe('');
});
