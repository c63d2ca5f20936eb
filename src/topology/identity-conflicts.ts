import { FairTable } from '../lib/fair-table.ts';
import type { Log } from '../lib/log.ts';
import type { Metrics } from '../lib/metrics.ts';
import { LIMITS } from '../model/limits.ts';
import type { IdentityConflict, IdentityConflictKind } from '../model/topology.ts';
import { CLAIM_SECONDS } from './address-book.ts';
import type { HostClaim } from './host-claim.ts';

/** A host name with the addresses that it was reported with. */
interface Face {
  readonly hostName: string;
  readonly addresses: readonly string[];
  seenSeconds: number;
}

interface Identity {
  /** The latest first; at most two. */
  readonly faces: readonly Face[];
  readonly isShared: boolean;
}

/**
 * Detects reports of several hosts under one identity. Two hosts share an identity when reports
 * under it alternate between addresses that have nothing in common, within CLAIM_SECONDS. A host
 * that changes its addresses once does not alternate.
 */
export class IdentityConflicts {
  readonly #log: Log;
  readonly #identities = new FairTable<Identity>({
    perOwner: LIMITS.hostIdentities.perAccount,
    total: LIMITS.hostIdentities.total,
  });
  readonly #conflicts = new FairTable<IdentityConflict>({
    perOwner: LIMITS.identityConflicts.perAccount,
    total: LIMITS.identityConflicts.total,
  });

  constructor({ log, metrics }: { readonly log: Log; readonly metrics: Metrics }) {
    this.#log = log;
    metrics.observedGauge(
      {
        name: 'nfm_topology_identity_conflicts',
        help: 'Identities that several hosts share, and addresses that several hosts go on claiming',
      },
      () => this.#conflicts.size,
    );
  }

  /** The conflicts of an account, oldest first. */
  of(account: string): readonly IdentityConflict[] {
    return [...this.#conflicts.of(account)].map(([, conflict]) => conflict);
  }

  /** Notes the report of a host. @returns whether several hosts share its identity */
  note(
    { owner, instanceId, hostName, addresses: claimed }: HostClaim,
    seenSeconds: number,
  ): boolean {
    const addresses = claimed.map(({ address }) => address);
    if (instanceId === '' || addresses.length === 0) return false;
    const known = this.#identities.get(owner.account, instanceId);
    const face = { hostName, addresses, seenSeconds };
    const [latest, former] = known?.faces ?? [];
    if (latest === undefined || isSame(latest, face)) {
      const faces = former === undefined ? [face] : [face, former];
      const isShared = known?.isShared ?? false;
      this.#identities.set(owner.account, instanceId, { faces, isShared });
      return isShared;
    }
    const isBack =
      former !== undefined &&
      isSame(former, face) &&
      seenSeconds - former.seenSeconds <= CLAIM_SECONDS;
    const isShared = isBack || known?.isShared === true;
    this.#identities.set(owner.account, instanceId, { faces: [face, latest], isShared });
    if (isShared) {
      const hosts = [face, latest].map(
        (one) => `${one.hostName || 'a host'} (${one.addresses[0]})`,
      );
      this.add(owner.account, 'shared-identity', {
        subject: instanceId,
        message: `${hosts.sort().join(' and ')} report as one instance`,
        seenSeconds,
      });
    }
    return isShared;
  }

  /** Records a conflict, and warns the first time. */
  add(account: string, kind: IdentityConflictKind, conflict: Omit<IdentityConflict, 'kind'>): void {
    const key = `${kind} ${conflict.subject}`;
    if (this.#conflicts.get(account, key) === undefined) {
      this.#log.warn('hosts have conflicting identities', { account, kind, ...conflict });
    }
    this.#conflicts.set(account, key, { kind, ...conflict });
  }

  /** Forgets conflicts and identities last seen before a time. */
  expire(beforeSeconds: number): void {
    for (const [account, key, { seenSeconds }] of this.#conflicts.entries()) {
      if (seenSeconds < beforeSeconds) this.#conflicts.delete(account, key);
    }
    for (const [account, key, { faces }] of this.#identities.entries()) {
      if ((faces[0]?.seenSeconds ?? 0) < beforeSeconds) this.#identities.delete(account, key);
    }
  }
}

function isSame(a: Face, b: Face): boolean {
  return a.addresses.some((address) => b.addresses.includes(address));
}
