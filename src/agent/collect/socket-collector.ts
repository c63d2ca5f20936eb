import type { Clock } from '../../lib/clock.ts';
import { type PlainMetric, plainIndex } from '../../model/flow-metrics.ts';
import type { CgroupPaths } from '../kernel/cgroup-paths.ts';
import type { ClosedReading } from '../kernel/closed-ring.ts';
import type { NatTable } from '../kernel/nat-table.ts';
import { TCP_STATE } from '../kernel/record-layout.ts';
import type { SocketProgress } from '../kernel/socket-progress.ts';
import type { SocketRecord } from '../kernel/socket-record.ts';
import { countWhole } from './count-connection.ts';
import { FlowTable, type TakenFlows } from './flow-table.ts';
import { addTo, type FlowWindow, VALUE_INDEX } from './flow-window.ts';
import { type Row, TrackedSockets } from './tracked-sockets.ts';

/** Flows of a window beyond this number are added up. It is the existing agent's limit. */
const MAX_FLOWS = 65_536;

/**
 * Longest time between two readings of the table. Reading 50,000 connections takes 40 ms, so it is
 * read once a report, and this often when reports are rarer. The ring is small and read more often.
 */
const TABLE_MILLIS = 60_000;

/** Source of connection statistics: `SocketWatch` (eBPF) or `NetlinkWatch`. */
export interface SocketSource {
  readonly maxSockets: number;
  /** Metrics that this source does not know for any flow; reports leave them out. */
  readonly unknown: readonly PlainMetric[];
  start(): void;
  stop(): void;
  adopt(visit: (record: SocketRecord) => void): void;
  beginEpoch(): number;
  /** Called before the last reading of a window, for work that is too expensive for each reading. */
  readAhead(): void;
  readSockets(visit: (record: SocketRecord) => void): void;
  takeClosed(visit: (record: SocketRecord) => void): ClosedReading;
  readProgress(visit: (progress: SocketProgress) => void): Promise<void>;
  /**
   * Returns false when the connection was not removed, because it has closed meanwhile or takes no
   * room from others.
   */
  remove(cookie: number): boolean;
}

export interface SocketCollectorDeps {
  readonly source: SocketSource;
  readonly clock: Clock;
  /** Finds the path of a cgroup by its id. */
  readonly cgroups: Pick<CgroupPaths, 'allowReading' | 'pathOf'>;
  /** Undefined: translated addresses are not looked up. */
  readonly nat?: Pick<NatTable, 'start' | 'stop' | 'drain' | 'find' | 'takeFailures'> | undefined;
  /** A connection idle for longer is left out of levels and reports until it is active again. */
  readonly notrackMillis: number;
}

export interface CollectorCounters {
  readonly sockets_added: number;
  readonly sockets_stale: number;
  readonly socket_deltas_completed: number;
  readonly socket_agg_completed: number;
  /** Connections that were not tracked because all rows were taken. */
  readonly socket_agg_above_limit: number;
  readonly socket_eviction_completed: number;
  readonly sockets_natd: number;
  readonly remote_nat_reversal_errors: number;
}

/**
 * Turns the kernel's counters of connections into the growth of each flow in a window. The agent
 * calls `collect` ten times a second or more and `takeWindow` once a report. Each byte, segment and
 * event is counted in exactly one window, in whatever order slots, table, ring and iterator show it.
 */
export class SocketCollector {
  readonly #deps: SocketCollectorDeps;
  /** By the socket's cookie: the row of its current connection. */
  readonly #rows = new Map<number, Row>();
  /** Connections whose socket has connected again, but whose end has not come out of the ring yet. */
  readonly #overtaken = new Map<string, Row>();
  readonly #sockets: TrackedSockets;
  readonly #flows = new FlowTable(MAX_FLOWS);
  /** The last reading of closed connections left some in the table. */
  #overflowed = false;
  #epoch = -1;
  #passes = 0;
  #passedAt = Number.NEGATIVE_INFINITY;
  #counters = emptyCounters();

  constructor(deps: SocketCollectorDeps) {
    this.#deps = deps;
    // Room for the connections in the table, and for as many again whose end is still in the ring.
    this.#sockets = new TrackedSockets(2 * deps.source.maxSockets);
  }

  get socketsTracked(): number {
    return this.#rows.size;
  }

  /**
   * Starts the source and adopts the connections that exist, so that they count from here on.
   *
   * @throws AgentError when this host cannot run the source
   */
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

  /** Begins to track the connections that are older than the agent. */
  adopt(): void {
    const { source, clock } = this.#deps;
    const now = clock.now();
    source.adopt((record) => {
      const row = this.#begin(record);
      if (row === undefined) return;
      this.#sockets.setActive(row, now);
      this.#rows.set(record.cookie, row);
    });
  }

  /**
   * Takes the closed connections, and reads the live ones if that is due.
   *
   * @returns how full the buffers of closed connections were, 0 to 1
   */
  collect(): number {
    const { nat, clock } = this.#deps;
    nat?.drain();
    const isDue = clock.now() - this.#passedAt >= TABLE_MILLIS;
    return isDue || this.#overflowed ? this.#pass() : this.#takeClosed();
  }

  /** Ends the window: collects, counts the live connections up to now, and begins a new window. */
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

  /** Growth since the last call. */
  takeCounters(): CollectorCounters {
    const taken = this.#counters;
    this.#counters = emptyCounters();
    taken.remote_nat_reversal_errors += this.#deps.nat?.takeFailures() ?? 0;
    return taken;
  }

  /**
   * Reads the live connections, then the closed ones: a connection that closes meanwhile is then
   * among the closed.
   *
   * @returns the fill of the buffers of closed connections
   */
  #pass(): number {
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
    const fill = this.#takeClosed();
    for (const cookie of left) source.remove(cookie);
    return fill;
  }

  #takeClosed(): number {
    const { fill, overflowed } = this.#deps.source.takeClosed((record) => this.#end(record));
    this.#overflowed = overflowed;
    return fill;
  }

  /** Marks a closed connection as seen. Its end is counted when the closed ones are taken. */
  #expectEnd({ cookie, startedNanos }: SocketRecord): void {
    const row = this.#rows.get(cookie);
    if (row === undefined || this.#sockets.startedNanos(row) !== startedNanos) return;
    this.#sockets.setSeen(row, this.#passes);
  }

  #read(record: SocketRecord, now: number): void {
    const sockets = this.#sockets;
    const { cookie, startedNanos } = record;
    let row = this.#rows.get(cookie);
    if (row === undefined || sockets.startedNanos(row) !== startedNanos) {
      if (row !== undefined) {
        this.#overtaken.set(connection(cookie, sockets.startedNanos(row)), row);
      }
      row = this.#begin(record);
      if (row === undefined) {
        this.#rows.delete(cookie);
        return;
      }
      this.#rows.set(cookie, row);
    }
    sockets.setSeen(row, this.#passes);
    if (sockets.isUnchanged(row, record)) return;
    sockets.count(row, record, this.#epoch);
    sockets.setActive(row, now);
    this.#counters.socket_deltas_completed += 1;
  }

  #end(record: SocketRecord): void {
    const { cookie, startedNanos } = record;
    const current = this.#rows.get(cookie);
    const isCurrent = current !== undefined && this.#sockets.startedNanos(current) === startedNanos;
    const known = isCurrent ? current : this.#takeOvertaken(cookie, startedNanos);
    if (known === undefined && !record.isAdopted) {
      countWhole(this.#flow(record), record, this.#epoch);
      this.#counters.sockets_added += 1;
      this.#counters.socket_agg_completed += 1;
      return;
    }
    const row = known ?? this.#begin(record);
    if (row === undefined) return;
    this.#sockets.countLast(row, record, this.#epoch);
    this.#sockets.close(row);
    if (isCurrent) this.#rows.delete(cookie);
    this.#counters.socket_agg_completed += 1;
  }

  /** Begins to track a connection; undefined when no row is free. */
  #begin(record: SocketRecord): Row | undefined {
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

  #takeOvertaken(cookie: number, startedNanos: number): Row | undefined {
    if (this.#overtaken.size === 0) return undefined;
    const key = connection(cookie, startedNanos);
    const row = this.#overtaken.get(key);
    this.#overtaken.delete(key);
    return row;
  }

  #flow(record: SocketRecord): FlowWindow {
    const { nat } = this.#deps;
    if (nat === undefined) return this.#flows.find(record);
    const mapping = nat.find(record);
    if (mapping !== undefined) this.#counters.sockets_natd += 1;
    return this.#flows.findMapped(record, mapping);
  }

  #advance(progress: SocketProgress, now: number): void {
    const row = this.#rows.get(progress.cookie);
    if (row === undefined) return;
    if (this.#sockets.startedNanos(row) !== progress.startedNanos) return;
    this.#sockets.countProgress(row, progress);
    this.#sockets.setActive(row, now);
  }

  #countLevels(now: number): void {
    const sockets = this.#sockets;
    for (const [cookie, row] of this.#rows) {
      // The source did not show the connection: another agent's eBPF program may have reset the
      // callbacks of its socket.
      if (sockets.seenAt(row) !== this.#passes) {
        this.#rows.delete(cookie);
        sockets.close(row);
        this.#counters.sockets_stale += 1;
      } else if (!this.#isIdle(row, now)) sockets.countLevel(row);
    }
    for (const row of this.#overtaken.values()) sockets.close(row);
    this.#overtaken.clear();
  }

  /** Forgets idle connections once 7/8 of the room is taken. Before that they stay tracked. */
  #evict(now: number): void {
    const { source } = this.#deps;
    if (this.#rows.size < (source.maxSockets * 7) / 8) return;
    for (const [cookie, row] of this.#rows) {
      if (!this.#isIdle(row, now) || !source.remove(cookie)) continue;
      this.#rows.delete(cookie);
      this.#sockets.close(row);
      this.#counters.socket_eviction_completed += 1;
    }
  }

  #isIdle(row: Row, now: number): boolean {
    return now - this.#sockets.activeAt(row) > this.#deps.notrackMillis;
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
