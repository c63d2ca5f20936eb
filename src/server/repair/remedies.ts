import type { PartName, Problem } from '../folder/find-problems.ts';

/** How a part is repaired, and what is lost for good by it. */
export interface Remedy {
  readonly does: string;
  readonly loses?: string | undefined;
}

const NEW_CONTROL: Remedy = {
  does: 'the control database and the master key are made anew, and the first keys with them; former files are renamed',
  loses: 'all keys, accounts, scopes, monitors, the history of the topology and of health',
};

const REMEDIES: Readonly<Record<PartName, Remedy>> = {
  'manifest.json': { does: 'it is written anew from the other parts' },
  'batches.log': {
    does: 'it is made anew: the reports in the journal are looked up in the store, and those that are not there are stored by the next start',
  },
  'accepted.json': {
    does: 'it is made anew from the journal; a report that was accepted in the last minutes and is sent again may be stored twice',
  },
  journal: {
    does: 'the reports that are left in it are looked up in the store, and those that are not there are stored by the next start',
    loses: 'the reports that were accepted and not stored yet',
  },
  store: {
    does: 'the reports that the journal still has are stored again by the next start',
    loses: 'all other rows that are not in the store',
  },
  'master.key': NEW_CONTROL,
  'control database': NEW_CONTROL,
};

export function remedyOf({ part, state }: Problem): Remedy {
  if (part === 'control database' && state !== 'missing') {
    return { does: 'it is used as it is', loses: 'the changes that it lacks' };
  }
  return REMEDIES[part];
}
