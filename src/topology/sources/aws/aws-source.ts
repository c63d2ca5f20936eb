import { AccountSlots } from '../../../lib/account-slots.ts';
import { errorMessage } from '../../../lib/error-details.ts';
import type { Log } from '../../../lib/log.ts';
import { Loop } from '../../../lib/loop.ts';
import { booleanSetting, type SettingValues, textSetting } from '../../../lib/setting.ts';
import { untilAborted } from '../../../lib/within.ts';
import { InconclusiveError } from '../../../model/inconclusive-error.ts';
import type { ScopeTarget } from '../../../model/scope.ts';
import type { SourceSlice } from '../../graph/source-statement.ts';
import type { TopologySource } from '../../topology-source.ts';
import type { SliceReader } from '../slice-reader.ts';
import type { SourceKind } from '../source-kind.ts';
import type { AwsAccess } from './target-credentials.ts';

export const AWS_SETTINGS = {
  awsTopology: booleanSetting('read the networks of scope targets from EC2 every 5 minutes'),
  awsRoleName: textSetting(
    '',
    'role to assume in each target account; without it the server reads its own account only',
  ),
};

export const AWS_TOPOLOGY: SourceKind<SettingValues<typeof AWS_SETTINGS>> = {
  problemOf: ({ awsRoleName, awsTopology }) =>
    awsRoleName !== '' && !awsTopology ? 'awsRoleName: needs awsTopology' : undefined,
  isConfigured: (slice, { awsTopology }) => awsTopology && isTargetSlice(slice),
  create: ({ awsTopology, awsRoleName }, deps) =>
    awsTopology
      ? [new AwsSource({ ...deps, access: { roleName: awsRoleName, isOwnKey: deps.isOwnKey } })]
      : [],
};

export interface AwsSourceDeps {
  readonly reader: SliceReader;
  readonly access: AwsAccess;
  /** The targets of all scopes, each once. */
  readonly targets: () => Promise<readonly ScopeTarget[]>;
  /** The slices in the graph, those of targets removed while the server was down included. */
  readonly slices: () => readonly SourceSlice[];
  readonly log: Log;
}

const EVERY_MILLIS = 300_000;
/** Each target has its own request limits at EC2, but all share this process. */
const SLOTS = { max: 32, maxPerAccount: 4 };
const MAX_REASONS = 5;

/**
 * Reads all targets of all scopes from EC2, every 5 minutes and when a scope is created or changed.
 * Accounts are read independently: a target that fails, or hangs until its deadline, delays no other
 * account and no next round. A target that no scope has any more is withdrawn. The SDK takes 87 MiB,
 * so it is loaded with the first reading.
 */
export class AwsSource implements TopologySource {
  readonly name = 'aws topology';
  readonly #deps: AwsSourceDeps;
  readonly #loop = new Loop({
    round: (signal) => this.#readAll(signal),
    everyMillis: EVERY_MILLIS,
    onError: (error) => this.#deps.log.warn('cannot read the targets of scopes', { error }),
  });
  readonly #readings = new Map<string, Promise<void>>();
  readonly #slots = new AccountSlots(SLOTS);

  constructor(deps: AwsSourceDeps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await Promise.allSettled(this.#readings.values());
  }

  /**
   * @throws Error with the reasons, after all targets were tried; InconclusiveError when none of
   *   the failures is conclusive
   */
  async cover(targets: readonly ScopeTarget[], signal: AbortSignal): Promise<void> {
    const failures: unknown[] = [];
    const readings = targets.map((target) =>
      this.#read(target).catch((error: unknown) => failures.push(error)),
    );
    await untilAborted(Promise.all(readings), signal);
    if (failures.length === 0 || signal.aborted) return;
    const rest = failures.length - MAX_REASONS;
    const more = rest > 0 ? `; and ${rest} more` : '';
    const text = failures.slice(0, MAX_REASONS).map(errorMessage).join('; ') + more;
    const isOpen = failures.every((failure) => failure instanceof InconclusiveError);
    throw isOpen ? new InconclusiveError(text) : new Error(text);
  }

  async #readAll(signal: AbortSignal): Promise<void> {
    const targets = await this.#deps.targets();
    const wanted = new Set(targets.map(sliceOf));
    for (const slice of this.#deps.slices()) {
      if (isTargetSlice(slice) && !wanted.has(slice.slice)) await this.#deps.reader.withdraw(slice);
    }
    // The round does not wait for a target, so none delays the next round. `SliceReader` reports a
    // failure.
    for (const target of targets) if (!signal.aborted) this.#read(target).catch(() => {});
  }

  /** Joins a running reading of the target instead of starting a second one. */
  #read(target: ScopeTarget): Promise<void> {
    const slice = sliceOf(target);
    const running = this.#readings.get(slice);
    if (running !== undefined) return running;
    const { reader, access } = this.#deps;
    const { signal } = this.#loop;
    const read = async () => {
      const { readTarget } = await import('./read-target.ts');
      return await readTarget(target, access, signal);
    };
    const reading = this.#slots
      .run(target.account, async () => {
        signal.throwIfAborted();
        await reader.read({ source: 'aws', slice }, read, signal);
      })
      .finally(() => this.#readings.delete(slice));
    this.#readings.set(slice, reading);
    return reading;
  }
}

/**
 * The names that `sliceOf` returns. The published prefixes are a slice of AWS without an account.
 */
function isTargetSlice({ source, slice }: SourceSlice): boolean {
  return source === 'aws' && /^\d{12}\//.test(slice);
}

function sliceOf({ account, region }: ScopeTarget): string {
  return `${account}/${region}`;
}
