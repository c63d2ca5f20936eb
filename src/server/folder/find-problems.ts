import type { FolderFacts, Part } from './folder-facts.ts';

/** A part of a data folder, by the name of its file. */
export type PartName =
  | 'manifest.json'
  | 'master.key'
  | 'control database'
  | 'batches.log'
  | 'journal'
  | 'accepted.json'
  | 'store';

export interface Problem {
  readonly part: PartName;
  readonly state: 'missing' | 'older' | 'foreign';
}

const STATES: Readonly<Record<Problem['state'], string>> = {
  missing: 'is missing',
  older: 'is older than the other parts',
  foreign: 'belongs to another data folder',
};

/** e.g. `batches.log is missing, the journal is older than the other parts`. */
export function problemText(problems: readonly Problem[]): string {
  return problems.map(({ part, state }) => `${part} ${STATES[state]}`).join(', ');
}

/**
 * Finds the parts that do not belong to the others. A folder without a manifest was written by an
 * earlier version if its parts have no marks; it is then checked for missing parts. Generation 0
 * means that the first start of the folder did not finish.
 */
export function findProblems(facts: FolderFacts): readonly Problem[] {
  const { manifest, ledger, journal, store } = facts;
  if (manifest?.generation === 0) return [];
  const problems = manifest === undefined ? missingInOldFolder(facts) : unlikeManifest(facts);
  const has = (part: PartName) => problems.some((problem) => problem.part === part);
  if (ledger.exists && journal.newestSegment < ledger.resumeSegment && !has('journal')) {
    problems.push({ part: 'journal', state: journal.exists ? 'older' : 'missing' });
  }
  const stored = store?.highestNumber ?? 0;
  if (ledger.exists && stored > ledger.highestNumber && !has('batches.log')) {
    problems.push({ part: 'batches.log', state: 'older' });
  }
  return problems;
}

function missingInOldFolder(facts: FolderFacts): Problem[] {
  const { masterKey, hasCredentials, ledger, journal, accepted, control, store } = facts;
  if ([ledger, journal, accepted].some(({ mark }) => mark !== undefined)) {
    return [{ part: 'manifest.json', state: 'missing' }];
  }
  const hasData = ledger.exists || journal.exists || hasCredentials || store?.exists === true;
  const needed: readonly (readonly [PartName, boolean, Part | undefined])[] = [
    ['master.key', hasData || control?.exists === true, masterKey],
    ['control database', hasData, control],
    ['batches.log', journal.hasRecords || store?.exists === true, ledger],
    ['store', ledger.highestNumber > 0, store],
  ];
  return needed
    .filter(([, isNeeded, part]) => isNeeded && part?.exists === false)
    .map(([part]) => ({ part, state: 'missing' }));
}

function unlikeManifest(facts: FolderFacts): Problem[] {
  const { manifest, masterKey } = facts;
  if (manifest === undefined) return [];
  const problems: Problem[] = [];
  if (!masterKey.exists) problems.push({ part: 'master.key', state: 'missing' });
  else if (masterKey.fingerprint !== manifest.masterKey) {
    problems.push({ part: 'master.key', state: 'foreign' });
  }
  const marked: readonly (readonly [PartName, Part | undefined])[] = [
    ['control database', facts.control],
    ['batches.log', facts.ledger],
    ['journal', facts.journal],
    ['accepted.json', facts.accepted],
    ['store', facts.store],
  ];
  let newest = manifest.generation;
  for (const [part, found] of marked) {
    const state = found && stateOf(found, manifest);
    if (state !== undefined) problems.push({ part, state });
    else newest = Math.max(newest, found?.mark?.generation ?? 0);
  }
  // An interrupted start leaves parts that are newer than the manifest, but by one generation at
  // most.
  if (newest > manifest.generation + 1) problems.push({ part: 'manifest.json', state: 'older' });
  return problems;
}

function stateOf(
  { exists, mark }: Part,
  manifest: { readonly installation: string; readonly generation: number },
): Problem['state'] | undefined {
  if (!exists) return 'missing';
  if (mark?.installation !== manifest.installation) return 'foreign';
  return mark.generation < manifest.generation ? 'older' : undefined;
}
