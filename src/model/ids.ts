import { createHash } from 'node:crypto';

/** The kinds of resource whose ids have AWS's form: a prefix and 17 hexadecimal digits. */
export type ResourcePrefix =
  | 'i'
  | 'subnet'
  | 'vpc'
  | 'eni'
  | 'igw'
  | 'nat'
  | 'pcx'
  | 'rtb'
  | 'tgw'
  | 'tgw-attach'
  | 'tgw-rtb';

/** An id that is the same wherever it is computed from the same parts, e.g. `vpc-0f1e…` (17 hex digits). */
export function stableId(prefix: ResourcePrefix, ...parts: readonly string[]): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([prefix, ...parts]))
    .digest('hex');
  return `${prefix}-${hash.slice(0, 17)}`;
}
