import type { Permissions } from './permissions.ts';

/** The owner of data: the account of the access key, and the Region of its credential scope. */
export interface Owner {
  /** 12 digits. */
  readonly account: string;
  readonly region: string;
}

export function isAccountId(text: string): boolean {
  return /^\d{12}$/.test(text);
}

/** The policy of a key: a built-in one by name, or `custom` for its own document. */
export const KEY_KINDS = ['admin', 'read', 'agent', 'custom'] as const;
export type KeyKind = (typeof KEY_KINDS)[number];

/** The keys of a DISABLED account, and a DISABLED key, are rejected. */
export const IDENTITY_STATUSES = ['ENABLED', 'DISABLED'] as const;
export type IdentityStatus = (typeof IDENTITY_STATUSES)[number];

/** The caller: the access key that signed the request or opened the console session. */
export interface Principal extends Owner {
  readonly accessKeyId: string;
  readonly kind: KeyKind;
  /** Present if the kind is `custom`; the other kinds have built-in policies. */
  readonly permissions?: Permissions | undefined;
}
