import type { Permissions } from './permissions.ts';

/** Whose data it is: the access key's account, and the Region of its credential scope. */
export interface Owner {
  /** 12 digits. */
  readonly account: string;
  readonly region: string;
}

export function isAccountId(text: string): boolean {
  return /^\d{12}$/.test(text);
}

/** What a key may do: a ready policy by name, or `custom`, its own document. */
export const KEY_KINDS = ['admin', 'read', 'agent', 'custom'] as const;
export type KeyKind = (typeof KEY_KINDS)[number];

/** What is not ENABLED is kept but lets nobody in. */
export const IDENTITY_STATUSES = ['ENABLED', 'DISABLED'] as const;
export type IdentityStatus = (typeof IDENTITY_STATUSES)[number];

/** Who calls: the access key that signed the request, or signed the console's session in. */
export interface Principal extends Owner {
  readonly accessKeyId: string;
  readonly kind: KeyKind;
  /** Of a key of kind `custom`; the other kinds have ready ones. */
  readonly permissions?: Permissions | undefined;
}
