import { errorMessage } from '../../lib/error-details.ts';
import { FolderInUseError, FolderLock } from '../../lib/folder-lock.ts';
import { createLog } from '../../lib/log.ts';
import { ConfigError, logLevelOf, readConfig } from '../config.ts';
import { dataFolderPaths, isThere } from '../folder/data-folder.ts';
import { problemText } from '../folder/find-problems.ts';
import { remedyOf } from './remedies.ts';
import {
  type Diagnosis,
  diagnose,
  openExistingStore,
  type RepairDeps,
  repair,
} from './repair-folder.ts';

const HELP = `Usage: nfm store repair --data DIR [--yes [--accept-loss]] [settings of nfm server]

Checks whether the parts of a stopped server's data folder belong together, and prints what it
would do. Pass the settings that the server has, such as --database.

  --yes
      repair the folder
  --accept-loss
      with --yes: also repair what costs data for good, as printed
  --help
`;

/**
 * Runs `nfm store repair`.
 *
 * @returns the exit code: 0 when the parts belong together now, 1 when not, 2 for a wrong setting
 */
export async function runRepair(argv: readonly string[]): Promise<number> {
  const own = new Set(argv.filter((word) => ['--yes', '--accept-loss', '--help'].includes(word)));
  if (own.has('--help')) return print(HELP);
  try {
    const { config } = await readConfig({ argv: argv.filter((word) => !own.has(word)) });
    const folder = dataFolderPaths(config.data);
    if (!(await isThere(folder.path))) throw new ConfigError(`data: ${folder.path} does not exist`);
    const log = createLog({ level: logLevelOf({ logLevel: 'warn' }) });
    const options = { isYes: own.has('--yes'), isLossAccepted: own.has('--accept-loss') };
    return await withLock(folder.path, () => run({ config, folder, log }, options));
  } catch (error) {
    process.stderr.write(`nfm store repair: ${textOf(error)}\n`);
    return error instanceof ConfigError ? 2 : 1;
  }
}

async function run(
  deps: RepairDeps,
  options: { readonly isYes: boolean; readonly isLossAccepted: boolean },
): Promise<number> {
  const store = await openExistingStore(deps);
  try {
    const diagnosis = await diagnose(deps, store);
    if (diagnosis.problems.length === 0) return print('the parts of the folder belong together\n');
    print(planText(diagnosis));
    const losing = diagnosis.problems.filter((problem) => remedyOf(problem).loses !== undefined);
    if (!options.isYes) return print('nothing is changed; --yes repairs the folder\n', 1);
    if (losing.length > 0 && !options.isLossAccepted) {
      return print('nothing is changed; --yes --accept-loss repairs the folder at this cost\n', 1);
    }
    await repair(deps, diagnosis, store);
    return print('repaired\n');
  } finally {
    await store?.stop();
  }
}

function planText({ problems }: Diagnosis): string {
  const lines = problems.map((problem) => {
    const { does, loses } = remedyOf(problem);
    const cost = loses === undefined ? 'nothing is lost' : `LOST FOR GOOD: ${loses}`;
    return `${problemText([problem])}\n  repair: ${does}\n  ${cost}\n`;
  });
  return lines.join('');
}

async function withLock(path: string, act: () => Promise<number>): Promise<number> {
  const lock = new FolderLock(path);
  await lock.start().catch((cause) => {
    if (!(cause instanceof FolderInUseError)) throw cause;
    throw new ConfigError(`data: an nfm server uses ${path}; stop it first`, { cause });
  });
  try {
    return await act();
  } finally {
    await lock.stop();
  }
}

function print(text: string, code = 0): number {
  process.stdout.write(text);
  return code;
}

function textOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return [error, ...(cause === undefined ? [] : [cause])].map(errorMessage).join(': ');
}
