import { FairTable } from '../lib/fair-table.ts';
import type { InstanceRef, InstanceTraits } from '../model/topology.ts';

/** Finds traits that agents report of their own instances. */
export interface TraitsFinder {
  of(ref: InstanceRef): InstanceTraits | undefined;
}

export const NO_TRAITS: TraitsFinder = { of: () => undefined };

interface ReportedTraits extends InstanceTraits {
  readonly lastSeenSeconds: number;
}

/** The traits of instances from the latest report of each, by account and instance. */
export class HostTraits implements TraitsFinder {
  readonly #table: FairTable<ReportedTraits>;

  constructor(limits: { readonly perAccount: number; readonly total: number }) {
    this.#table = new FairTable({ perOwner: limits.perAccount, total: limits.total });
  }

  get count(): number {
    return this.#table.size;
  }

  of({ account, instanceId }: InstanceRef): InstanceTraits | undefined {
    return this.#table.get(account, instanceId);
  }

  keep({ account, instanceId }: InstanceRef, traits: ReportedTraits): void {
    const { instanceType, imageId } = traits;
    if (instanceId === '' || (instanceType === undefined && imageId === undefined)) return;
    this.#table.set(account, instanceId, traits);
  }

  expire(beforeSeconds: number): void {
    for (const [account, instanceId, { lastSeenSeconds }] of this.#table.entries()) {
      if (lastSeenSeconds < beforeSeconds) this.#table.delete(account, instanceId);
    }
  }
}
