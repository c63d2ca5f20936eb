import type { Clock } from '../../lib/clock.ts';
import { type PlainMetric, plainIndex } from '../../model/flow-metrics.ts';
import type { CgroupPaths } from '../kernel/cgroup-paths.ts';
import type { NatTable } from '../kernel/nat-table.ts';
import { TCP_STATE } from '../kernel/record-layout.ts';
import type { SocketProgress } from '../kernel/socket-progress.ts';
import type { SocketRecord } from '../kernel/socket-record.ts';
import { countWhole } from './count-connection.ts';
import { FlowTable, type TakenFlows } from './flow-table.ts';
import { addTo, type FlowWindow, VALUE_INDEX } from './flow-window.ts';
import { type Slot, TrackedSockets } from './tracked-sockets.ts';

/** Flows in one window beyond this are added up (the existing agent's bound). */
const MAX_FLOWS = 65_536;

/**
 * The ring must be read often, as it only holds so much; the table need not, and to read 50,000
 * connections takes 40 ms: once a report is enough, and here is how often where reports are rare.
 */
const TABLE_MILLIS = 60_000;

/** Where the connections are read; `SocketWatch` is the one. */
export interface SocketSource {
  readonly maxSockets: number;
  /** What it cannot tell of any flow: left out of them. */
  readonly unknown: readonly PlainMetric[];
  start(): void;
  stop(): void;
  adopt(visit: (record: SocketRecord) => void): void;
  beginEpoch(): number;
  /** Before the last reading of a window: what is too dear to do at each. */
  readAhead(): void;
  readSockets(visit: (record: SocketRecord) => void): void;
  /** Says how full it was where they wait: 0 to 1; when it is 1, others may wait in the table. */
  takeClosed(visit: (record: SocketRecord) => void): number;
  readProgress(visit: (progress: SocketProgress) => void): Promise<void>;
  /** False when it was not removed: it has closed meanwhile, or takes no room from others. */
  remove(cookie: number): boolean;
}

export interface SocketCollectorDeps {
  readonly source: SocketSource;
  readonly clock: Clock;
  /** Names the cgroups. */
  readonly cgroups: Pick<CgroupPaths, 'allowReading' | 'pathOf'>;
  /** Undefined: address translation is not asked for. */
  readonly nat?: Pick<NatTable, 'start' | 'stop' | 'drain' | 'find' | 'takeFailures'> | undefined;
  /** Connections that did nothing for so long are in no level and no report until they do. */
  readonly notrackMillis: number;
}

export interface CollectorCounters {
  readonly sockets_added: number;
  readonly sockets_stale: number;
  readonly socket_deltas_completed: number;
  readonly socket_agg_completed: number;
  /** Connections there was no room for. */
  readonly socket_agg_above_limit: number;
  readonly socket_eviction_completed: number;
  readonly sockets_natd: number;
  readonly remote_nat_reversal_errors: number;
}

/**
 * Turns what the kernel counts per connection into what flows did in a window. `collect` is called
 * ten times a second or more, `takeWindow` once a report. Every byte, segment and event is counted in
 * exactly one window, whatever the order in which places, table, ring and iterator show it.
 */
export class SocketCollector {
  readonly #deps: SocketCollectorDeps;
  /** By cookie: where the connection is counted that its socket has now. */
  readonly #slots = new Map<number, Slot>();
  /** Connections whose socket was seen connecting again before their end came out of the ring. */
  readonly #overtaken = new Map<string, Slot>();
  readonly #sockets: TrackedSockets;
  readonly #flows = new FlowTable(MAX_FLOWS);
  #fill = 0;
  #epoch = -1;
  #passes = 0;
  #passedAt = Number.NEGATIVE_INFINITY;
  #counters = emptyCounters();

  constructor(deps: SocketCollectorDeps) {
    this.#deps = deps;
    // Those in the table, and as many whose end is still in the ring.
    this.#sockets = new TrackedSockets(2 * deps.source.maxSockets);
  }

  get socketsTracked(): number {
    return this.#slots.size;
  }

  /** What is there already is counted from now on. Throws an AgentError when this host cannot. */
  start(): void {
    const { source, nat } = this.#deps;
    source.start();
    try {
      nat?.start();
    } catch (error) {
      source.stop();
      throw error;
    }
    this.adopt();
  }

  stop(): void {
    const { source, nat } = this.#deps;
    nat?.stop();
    source.stop();
  }

  /** Counts the connections that are there and not known. */
  adopt(): void {
    const { source, clock } = this.#deps;
    const now = clock.now();
    source.adopt((record) => {
      const slot = this.#begin(record);
      if (slot === undefined) return;
      this.#sockets.setActive(slot, now);
      this.#slots.set(record.cookie, slot);
    });
  }

  /**
   * Takes what closed; and reads the connections that live, where that is due.
   *
   * @returns how full it was where closed connections wait, 0 to 1
   */
  collect(): number {
    const { nat, clock } = this.#deps;
    nat?.drain();
    const isDue = clock.now() - this.#passedAt >= TABLE_MILLIS;
    if (isDue || this.#fill === 1) this.#pass();
    else this.#takeClosed();
    return this.#fill;
  }

  /** Collects, brings the live connections up to date, and begins a new window. */
  async takeWindow(): Promise<TakenFlows> {
    const { source, nat, clock } = this.#deps;
    source.readAhead();
    nat?.drain();
    this.#pass();
    const now = clock.now();
    await source.readProgress((progress) => this.#advance(progress, now));
    this.#countLevels(now);
    this.#evict(now);
    return this.#takeFlows();
  }

  /** Deltas since the last call. */
  takeCounters(): CollectorCounters {
    const taken = this.#counters;
    this.#counters = emptyCounters();
    taken.remote_nat_reversal_errors += this.#deps.nat?.takeFailures() ?? 0;
    return taken;
  }

  /** Reads table and ring once. The table first: what closes meanwhile is then in the ring. */
  #pass(): void {
    const { source, clock } = this.#deps;
    const now = clock.now();
    this.#passedAt = now;
    this.#epoch = source.beginEpoch();
    this.#passes += 1;
    const left: number[] = [];
    source.readSockets((record) => {
      if (record.isLeftInTable) {
        this.#end(record);
        left.push(record.cookie);
      } else if (record.state === TCP_STATE.close) this.#expectEnd(record);
      else this.#read(record, now);
    });
    this.#takeClosed();
    for (const cookie of left) source.remove(cookie);
  }

  #takeClosed(): void {
    const { source } = this.#deps;
    this.#fill = source.takeClosed((record) => this.#end(record));
  }

  /** Its end is told elsewhere, in a moment or already. */
  #expectEnd({ cookie, startedNanos }: SocketRecord): void {
    const slot = this.#slots.get(cookie);
    if (slot === undefined || this.#sockets.startedNanos(slot) !== startedNanos) return;
    this.#sockets.setSeen(slot, this.#passes);
  }

  #read(record: SocketRecord, now: number): void {
    const sockets = this.#sockets;
    const { cookie, startedNanos } = record;
    let slot = this.#slots.get(cookie);
    if (slot === undefined || sockets.startedNanos(slot) !== startedNanos) {
      if (slot !== undefined) {
        this.#overtaken.set(connection(cookie, sockets.startedNanos(slot)), slot);
      }
      slot = this.#begin(record);
      if (slot === undefined) {
        this.#slots.delete(cookie);
        return;
      }
      this.#slots.set(cookie, slot);
    }
    sockets.setSeen(slot, this.#passes);
    if (sockets.isUnchanged(slot, record)) return;
    sockets.count(slot, record, this.#epoch);
    sockets.setActive(slot, now);
    this.#counters.socket_deltas_completed += 1;
  }

  #end(record: SocketRecord): void {
    const { cookie, startedNanos } = record;
    const current = this.#slots.get(cookie);
    const isCurrent = current !== undefined && this.#sockets.startedNanos(current) === startedNanos;
    const known = isCurrent ? current : this.#takeOvertaken(cookie, startedNanos);
    if (known === undefined && !record.isAdopted) {
      countWhole(this.#flow(record), record, this.#epoch);
      this.#counters.sockets_added += 1;
      this.#counters.socket_agg_completed += 1;
      return;
    }
    const slot = known ?? this.#begin(record);
    if (slot === undefined) return;
    this.#sockets.countLast(slot, record, this.#epoch);
    this.#sockets.close(slot);
    if (isCurrent) this.#slots.delete(cookie);
    this.#counters.socket_agg_completed += 1;
  }

  /** Begins to count a connection; undefined when there is no room for it. */
  #begin(record: SocketRecord): Slot | undefined {
    if (!this.#sockets.hasRoom) {
      this.#counters.socket_agg_above_limit += 1;
      return undefined;
    }
    const flow = this.#flow(record);
    this.#counters.sockets_added += 1;
    if (flow.side === 'client' && !record.isAdopted)
      addTo(flow.touch(), VALUE_INDEX.connectAttempts, 1);
    return this.#sockets.open(record, flow, this.#epoch - 1);
  }

  #takeOvertaken(cookie: number, startedNanos: number): Slot | undefined {
    if (this.#overtaken.size === 0) return undefined;
    const key = connection(cookie, startedNanos);
    const slot = this.#overtaken.get(key);
    this.#overtaken.delete(key);
    return slot;
  }

  #flow(record: SocketRecord): FlowWindow {
    const { nat } = this.#deps;
    if (nat === undefined) return this.#flows.find(record, null);
    const beyond = nat.find(record);
    if (beyond !== undefined) this.#counters.sockets_natd += 1;
    return this.#flows.find(record, beyond);
  }

  #advance(progress: SocketProgress, now: number): void {
    const slot = this.#slots.get(progress.cookie);
    if (slot === undefined) return;
    if (this.#sockets.startedNanos(slot) !== progress.startedNanos) return;
    this.#sockets.countProgress(slot, progress);
    this.#sockets.setActive(slot, now);
  }

  #countLevels(now: number): void {
    const sockets = this.#sockets;
    for (const [cookie, slot] of this.#slots) {
      // Neither in the table nor in the ring: another agent's program may have reset its callbacks.
      if (sockets.seenAt(slot) !== this.#passes) {
        this.#slots.delete(cookie);
        sockets.close(slot);
        this.#counters.sockets_stale += 1;
      } else if (!this.#isIdle(slot, now)) sockets.countLevel(slot);
    }
    for (const slot of this.#overtaken.values()) sockets.close(slot);
    this.#overtaken.clear();
  }

  /** Idle connections stay known, so that they count on when they wake, unless room gets scarce. */
  #evict(now: number): void {
    const { source } = this.#deps;
    if (this.#slots.size < (source.maxSockets * 7) / 8) return;
    for (const [cookie, slot] of this.#slots) {
      if (!this.#isIdle(slot, now) || !source.remove(cookie)) continue;
      this.#slots.delete(cookie);
      this.#sockets.close(slot);
      this.#counters.socket_eviction_completed += 1;
    }
  }

  #isIdle(slot: Slot, now: number): boolean {
    return now - this.#sockets.activeAt(slot) > this.#deps.notrackMillis;
  }

  #takeFlows(): TakenFlows {
    const { cgroups, source } = this.#deps;
    cgroups.allowReading();
    const unknown = source.unknown.map(plainIndex);
    return this.#flows.take(unknown, (id) => cgroups.pathOf(id));
  }
}

function connection(cookie: number, startedNanos: number): string {
  return `${cookie} ${startedNanos}`;
}

function emptyCounters(): { -readonly [name in keyof CollectorCounters]: number } {
  return {
    sockets_added: 0,
    sockets_stale: 0,
    socket_deltas_completed: 0,
    socket_agg_completed: 0,
    socket_agg_above_limit: 0,
    socket_eviction_completed: 0,
    sockets_natd: 0,
    remote_nat_reversal_errors: 0,
  };
}
