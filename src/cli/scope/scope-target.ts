import type { InputOf } from '../../contract/types.ts';
import { CliError } from '../lib/cli-error.ts';

export interface ScopeTarget {
  readonly account: string;
  /** The Region of the command when absent. */
  readonly region?: string | undefined;
}

/** Adds one `ACCOUNT` or `ACCOUNT@REGION` to the targets before it. */
export function collectTarget(text: string, previous: readonly ScopeTarget[] = []): ScopeTarget[] {
  const [, account, region] = /^(\d{12})(?:@(\S+))?$/.exec(text) ?? [];
  if (account === undefined) {
    throw new CliError('must be ACCOUNT or ACCOUNT@REGION, where ACCOUNT has 12 digits');
  }
  return [...previous, { account, region }];
}

/** The target as the API expects it. */
export function targetResource(
  { account, region }: ScopeTarget,
  defaultRegion: string,
): InputOf<'CreateScope'>['targets'][number] {
  return {
    targetIdentifier: { targetId: { accountId: account }, targetType: 'ACCOUNT' },
    region: region ?? defaultRegion,
  };
}
