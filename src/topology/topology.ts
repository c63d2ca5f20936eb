import type { Log } from '../lib/log.ts';
import { Loop } from '../lib/loop.ts';
import type { CounterMetric, Metrics } from '../lib/metrics.ts';
import type { Service } from '../lib/service.ts';
import { LIMITS } from '../model/limits.ts';
import type { Owner } from '../model/owner.ts';
import type { HostDescription } from '../model/report.ts';
import type { IdentityConflict } from '../model/topology.ts';
import { AddressBook, type AddressClaim, isLive } from './address-book.ts';
import type { ClaimRepository } from './claim-repository.ts';
import { ClaimTable, type ClaimTableOptions } from './claim-table.ts';
import { HourlyExpiry } from './graph/hourly-expiry.ts';
import { type ClaimedAddress, claimOf, type HostClaim } from './host-claim.ts';
import { HostTraits } from './host-traits.ts';
import { IdentityConflicts } from './identity-conflicts.ts';
import type { GraphSnapshot } from './snapshot/graph-snapshot.ts';
import { TopologyView } from './topology-view.ts';

export interface TopologyDeps {
  readonly claims: ClaimRepository;
  /** The current snapshot of all sources other than agents. */
  readonly graph: () => GraphSnapshot;
  readonly log: Log;
  readonly metrics: Metrics;
  /** For tests. */
  readonly claimLimits?: ClaimTableOptions | undefined;
}

/** A reporting host with the subnets of its addresses. */
export interface ObservedHost extends HostClaim {
  readonly subnetOf: ReadonlyMap<string, string>;
}

/** Enough for 100,000 hosts of a few addresses each. */
const CLAIM_LIMITS = {
  ...LIMITS.addressClaims,
  perAddress: LIMITS.claimsPerAddress.perAccount,
};
const SAVE_MILLIS = 10_000;

/**
 * Joins the resource graph with the claims of agents: the addresses of their own hosts, with
 * subnet, zone and times. `observe` takes the host description of a report. `snapshot` returns a
 * new view only when something changed. Claims are saved to the control database every 10 seconds.
 * The claims and traits of an account count only in lookups for that account, and in networks that
 * the graph gives to it.
 */
export class Topology implements Service {
  readonly name = 'topology';
  readonly #deps: TopologyDeps;
  readonly #claims: ClaimTable;
  readonly #unsaved = new Set<AddressClaim>();
  /** Dropped claims that the control database still has. */
  readonly #undeleted = new Set<AddressClaim>();
  readonly #traits = new HostTraits(LIMITS.hostTraits);
  readonly #conflicts: IdentityConflicts;
  readonly #unidentified: CounterMetric;
  readonly #ambiguous: CounterMetric;
  readonly #refused: CounterMetric;
  readonly #loop = new Loop({
    round: () => this.#saveAndExpire(),
    everyMillis: SAVE_MILLIS,
    pausesFirst: true,
    onError: (error) => this.#deps.log.warn('cannot save the topology', { error }),
  });
  #book: AddressBook;
  #snapshot: TopologyView;
  /** The graph of `#snapshot`. */
  #graph: GraphSnapshot;
  #changed = false;
  readonly #expiry: HourlyExpiry;

  constructor(deps: TopologyDeps) {
    this.#deps = deps;
    this.#claims = new ClaimTable(deps.claimLimits ?? CLAIM_LIMITS);
    this.#expiry = new HourlyExpiry(deps.claims);
    this.#conflicts = new IdentityConflicts(deps);
    this.#unidentified = deps.metrics.counter({
      name: 'nfm_topology_unidentified_reports_total',
      help: 'Reports of hosts without an instance id and machine id; their flows have no instance',
    });
    this.#ambiguous = deps.metrics.counter({
      name: 'nfm_topology_ambiguous_lookups_total',
      help: 'Lookups of an address that several instances claimed at that time',
    });
    this.#refused = deps.metrics.counter({
      name: 'nfm_topology_claims_refused_total',
      help: 'Address claims of hosts rejected or dropped, by the bound: of the account, of the address, of the server',
      labels: ['bound'],
    });
    deps.metrics.observedGauge(
      { name: 'nfm_topology_claims', help: 'Address claims of hosts in the topology' },
      () => this.#claims.count,
    );
    this.#book = this.#makeBook();
    this.#graph = deps.graph();
    this.#snapshot = new TopologyView(this.#graph, this.#book, this.#traits);
  }

  async start(): Promise<void> {
    for (const claim of await this.#deps.claims.load()) this.#keep(claim);
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    // Each report repeats the host description, so claims that are lost here return after the
    // start.
    await this.save().catch((error: unknown) => {
      this.#deps.log.warn('stopped without saving the newest claims of hosts', { error });
    });
  }

  /**
   * Records the description of a host and returns it with derived ids. Where the graph has the
   * instance, its network and addresses come from the graph and the claims are dropped.
   */
  observe(owner: Owner, host: HostDescription, timeSeconds: number): ObservedHost {
    const claim = this.#identify(owner, host, timeSeconds);
    const instance = { account: owner.account, instanceId: claim.instanceId };
    this.#traits.keep(instance, {
      instanceType: host.instanceType || undefined,
      imageId: host.imageId || undefined,
      lastSeenSeconds: timeSeconds,
    });
    const place = this.#deps.graph().placeOfInstance(instance);
    if (place !== undefined) {
      const az = place.az || claim.az;
      return { ...claim, vpcId: place.network, az, addresses: [], subnetOf: NO_SUBNETS };
    }
    if (claim.vpcId !== '' && claim.instanceId !== '') {
      for (const address of claim.addresses) this.#claim(claim, address, timeSeconds);
    }
    const subnetOf = new Map(claim.addresses.map((item) => [item.address, item.subnetId]));
    return { ...claim, subnetOf };
  }

  /** The conflicts between identities of an account's hosts. */
  conflictsOf(account: string): readonly IdentityConflict[] {
    return this.#conflicts.of(account);
  }

  /** A view of the graph and of all claims so far. */
  snapshot(): TopologyView {
    const graph = this.#deps.graph();
    if (!this.#changed && graph === this.#graph) return this.#snapshot;
    if (this.#changed) this.#book = this.#makeBook();
    this.#graph = graph;
    this.#snapshot = new TopologyView(graph, this.#book, this.#traits);
    return this.#snapshot;
  }

  /**
   * Writes the claims observed since the last call. While the control database is down, claims wait
   * in memory and reports go on.
   *
   * @throws Error when the claims could not be written
   */
  async save(): Promise<void> {
    const claims = [...this.#unsaved];
    const dropped = [...this.#undeleted];
    this.#unsaved.clear();
    this.#undeleted.clear();
    try {
      await this.#deps.claims.save(claims);
      await this.#deps.claims.delete(dropped);
    } catch (cause) {
      for (const claim of claims) this.#unsaved.add(claim);
      for (const claim of dropped) this.#undeleted.add(claim);
      throw new Error('cannot save the topology', { cause });
    }
  }

  /** Once an hour, drops claims and traits that are older than the retention of flows. */
  async expire(): Promise<void> {
    await this.#expiry.run((beforeSeconds) => {
      this.#traits.expire(beforeSeconds);
      this.#conflicts.expire(beforeSeconds);
      if (this.#claims.expire(beforeSeconds)) this.#changed = true;
    });
  }

  /**
   * Hosts that share a machine id, because they are copies of one image, are identified by machine
   * id and host name as soon as that is noticed. An instance id is taken as reported.
   */
  #identify(owner: Owner, host: HostDescription, timeSeconds: number): HostClaim {
    const claim = claimOf(owner, host);
    if (claim.instanceId === '') this.#unidentified.add(1);
    const isShared = this.#conflicts.note(claim, timeSeconds);
    if (!isShared || host.instanceId !== '' || claim.hostName === '') return claim;
    return claimOf(owner, { ...host, machineId: `${host.machineId} ${claim.hostName}` });
  }

  #claim(host: HostClaim, claimed: ClaimedAddress, timeSeconds: number): void {
    const { account, region } = host.owner;
    const at = { prefix: claimed.prefix, timeSeconds };
    const own = this.#claims.of(account, host.vpcId, claimed.address);
    const known = own.find((claim) => isHeldBy(claim, host, at));
    if (known !== undefined) {
      this.#noteRival(known, own, timeSeconds);
      known.lastSeenSeconds = Math.max(known.lastSeenSeconds, timeSeconds);
      this.#unsaved.add(known);
      return;
    }
    if (this.#claims.isFull(account)) {
      this.#refused.add(1, { bound: 'account' });
      return;
    }
    const claim: AddressClaim = {
      address: claimed.address,
      prefix: claimed.prefix,
      endpoint: {
        account,
        region,
        vpcId: host.vpcId,
        subnetId: claimed.subnetId,
        az: host.az,
        instanceId: host.instanceId,
      },
      fromSeconds: timeSeconds,
      lastSeenSeconds: timeSeconds,
    };
    this.#unsaved.add(claim);
    this.#keep(claim);
  }

  /** Two hosts that claim an address in turns conflict; an address that moves back once does not. */
  #noteRival(known: AddressClaim, own: readonly AddressClaim[], timeSeconds: number): void {
    if (own.length === 1) return;
    const { account, vpcId, instanceId } = known.endpoint;
    const rival = own.find(
      (claim) =>
        claim.endpoint.instanceId !== instanceId &&
        claim.lastSeenSeconds >= known.lastSeenSeconds &&
        isLive(claim, timeSeconds),
    );
    if (rival === undefined || known.lastSeenSeconds < rival.fromSeconds) return;
    const hosts = [instanceId, rival.endpoint.instanceId].sort().join(' and ');
    this.#conflicts.add(account, 'shared-address', {
      subject: `${vpcId} ${known.address}`,
      message: `${hosts} claim ${known.address}`,
      seenSeconds: timeSeconds,
    });
  }

  #keep(claim: AddressClaim): void {
    this.#changed = true;
    const { account, vpcId } = claim.endpoint;
    for (const dropped of this.#claims.add(claim)) {
      const { endpoint, address } = dropped;
      const isSameAddress =
        endpoint.account === account && endpoint.vpcId === vpcId && address === claim.address;
      this.#refused.add(1, { bound: isSameAddress ? 'address' : 'server' });
      this.#unsaved.delete(dropped);
      this.#undeleted.add(dropped);
    }
  }

  #makeBook(): AddressBook {
    this.#changed = false;
    return new AddressBook({
      claims: this.#claims.all(),
      onAmbiguous: () => this.#ambiguous.add(1),
    });
  }

  async #saveAndExpire(): Promise<void> {
    await this.save();
    await this.expire();
  }
}

const NO_SUBNETS: ReadonlyMap<string, string> = new Map();

/**
 * Whether a new report continues a claim: same host, zone and prefix, and the claim is still live.
 */
function isHeldBy(
  claim: AddressClaim,
  host: HostClaim,
  { prefix, timeSeconds }: { readonly prefix: string; readonly timeSeconds: number },
): boolean {
  return (
    claim.endpoint.instanceId === host.instanceId &&
    claim.endpoint.az === host.az &&
    claim.prefix === prefix &&
    isLive(claim, timeSeconds)
  );
}
