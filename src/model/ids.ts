import { createHash } from 'node:crypto';

/** Prefixes of ids in AWS's format: a prefix and 17 hexadecimal digits. */
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

/** An id that depends only on the parts: `vpc-0f1e…` (17 hexadecimal digits). */
export function stableId(prefix: ResourcePrefix, ...parts: readonly string[]): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([prefix, ...parts]))
    .digest('hex');
  return `${prefix}-${hash.slice(0, 17)}`;
}
