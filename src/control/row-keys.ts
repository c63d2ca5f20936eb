import type { Owner } from '../model/owner.ts';

/** Conditions that select the rows of an owner, for Kysely's `where.and`. */
export function ownerKey({ account, region }: Owner) {
  return { account, region };
}

export function scopeKey(owner: Owner, scopeId: string) {
  return { ...ownerKey(owner), scope_id: scopeId };
}

export function monitorKey(owner: Owner, monitorName: string) {
  return { ...ownerKey(owner), monitor_name: monitorName };
}
