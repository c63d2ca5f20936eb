import type { Clock } from '../../lib/clock.ts';
import { type PlainMetric, plainIndex } from '../../model/flow-metrics.ts';
import type { ReportedFlow } from '../../model/report.ts';
import type { CgroupPaths } from '../kernel/cgroup-paths.ts';
import type { NatTable } from '../kernel/nat-table.ts';
import { type SocketProgress, type SocketRecord, TCP_STATE } from '../kernel/socket-record.ts';
import { AT, type FlowKey, FlowWindow, flowOf } from './flow-window.ts';
import { TrackedSocket } from './tracked-socket.ts';

/** Flows in one window beyond this are counted, not kept (the existing agent's bound). */
const MOST_FLOWS = 65_536;

/**
 * The ring must be read often, as it only holds so much; the table need not, and to read 50,000
 * connections takes 40 ms.
 */
const TABLE_MILLIS = 5_000;

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
  takeClosed(visit: (record: SocketRecord) => void): void;
  readProgress(): Promise<readonly SocketProgress[]>;
  remove(cookie: number): void;
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
  readonly socket_agg_above_limit: number;
  readonly socket_eviction_completed: number;
  readonly sockets_natd: number;
  readonly remote_nat_reversal_errors: number;
}

/**
 * Turns what the kernel counts per connection into what flows did in a window. `collect` is called
 * every half second, `takeWindow` once a report. Every byte, segment and event is counted in
 * exactly one window, whatever the order in which table, ring and iterator show it.
 */
export class SocketCollector {
  readonly #deps: SocketCollectorDeps;
  /** By cookie: the connection its socket has now. */
  readonly #sockets = new Map<number, TrackedSocket>();
  /** Connections whose socket was seen connecting again before their end came out of the ring. */
  readonly #overtaken = new Map<string, TrackedSocket>();
  readonly #flows = new Map<string, FlowWindow>();
  #epoch = -1;
  #passes = 0;
  #passedAt = Number.NEGATIVE_INFINITY;
  #counters = emptyCounters();

  constructor(deps: SocketCollectorDeps) {
    this.#deps = deps;
  }

  get socketsTracked(): number {
    return this.#sockets.size;
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
      const socket = this.#begin(record);
      if (socket === undefined) return;
      socket.activeAt = now;
      this.#sockets.set(record.cookie, socket);
    });
  }

  /** Takes what closed; and reads the connections that live, where that is due. */
  collect(): void {
    const { nat, clock } = this.#deps;
    nat?.drain();
    if (clock.now() - this.#passedAt >= TABLE_MILLIS) this.#pass();
    else this.#takeClosed();
  }

  /** Collects, brings the live connections up to date, and begins a new window. */
  async takeWindow(): Promise<readonly ReportedFlow[]> {
    const { source, nat, clock } = this.#deps;
    source.readAhead();
    nat?.drain();
    this.#pass();
    const progress = await source.readProgress();
    const now = clock.now();
    for (const each of progress) this.#advance(each, now);
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
      // The ring was full when it closed: its record waited in the table.
      if (record.state === TCP_STATE.close) {
        this.#end(record);
        left.push(record.cookie);
      } else this.#read(record, now);
    });
    this.#takeClosed();
    for (const cookie of left) source.remove(cookie);
  }

  #takeClosed(): void {
    this.#deps.source.takeClosed((record) => this.#end(record));
  }

  #read(record: SocketRecord, now: number): void {
    const { cookie, startedNanos } = record;
    let socket = this.#sockets.get(cookie);
    if (socket?.startedNanos !== startedNanos) {
      if (socket !== undefined) {
        this.#overtaken.set(connection(cookie, socket.startedNanos), socket);
      }
      socket = this.#begin(record);
      if (socket === undefined) return;
      this.#sockets.set(cookie, socket);
    }
    socket.seenAt = this.#passes;
    if (socket.isUnchanged(record)) return;
    socket.count(record, this.#epoch);
    socket.activeAt = now;
    this.#counters.socket_deltas_completed += 1;
  }

  #end(record: SocketRecord): void {
    const { cookie, startedNanos } = record;
    const current = this.#sockets.get(cookie);
    const known =
      current?.startedNanos === startedNanos ? current : this.#takeOvertaken(cookie, startedNanos);
    const socket = known ?? this.#begin(record);
    if (socket === undefined) return;
    socket.countLast(record, this.#epoch);
    if (known === current) this.#sockets.delete(cookie);
    this.#counters.socket_agg_completed += 1;
  }

  /** Begins to count a connection; undefined when there is no room for its flow. */
  #begin(record: SocketRecord): TrackedSocket | undefined {
    const flow = this.#flow(record);
    if (flow === undefined) return undefined;
    this.#counters.sockets_added += 1;
    if (flow.side === 'client' && !record.isAdopted) flow.add(AT.connectAttempts, 1);
    return new TrackedSocket(record, flow, this.#epoch - 1);
  }

  #takeOvertaken(cookie: number, startedNanos: number): TrackedSocket | undefined {
    if (this.#overtaken.size === 0) return undefined;
    const key = connection(cookie, startedNanos);
    const socket = this.#overtaken.get(key);
    this.#overtaken.delete(key);
    return socket;
  }

  #flow(record: SocketRecord): FlowWindow | undefined {
    const beyond = this.#deps.nat?.find(record);
    if (beyond !== undefined) this.#counters.sockets_natd += 1;
    const flow = flowOf(record, beyond);
    const key = keyOf(flow);
    const known = this.#flows.get(key);
    if (known !== undefined) return known;
    if (this.#flows.size >= MOST_FLOWS) {
      this.#counters.socket_agg_above_limit += 1;
      return undefined;
    }
    const window = new FlowWindow(flow);
    this.#flows.set(key, window);
    return window;
  }

  #advance(progress: SocketProgress, now: number): void {
    const socket = this.#sockets.get(progress.cookie);
    if (socket?.startedNanos !== progress.startedNanos) return;
    socket.countProgress(progress);
    socket.activeAt = now;
  }

  #countLevels(now: number): void {
    for (const [cookie, socket] of this.#sockets) {
      // Neither in the table nor in the ring: another agent's program may have reset its callbacks.
      if (socket.seenAt !== this.#passes) {
        this.#sockets.delete(cookie);
        this.#counters.sockets_stale += 1;
      } else if (!this.#isIdle(socket, now)) {
        socket.countLevel();
        socket.flow.touched = true;
      }
    }
    this.#overtaken.clear();
  }

  /** Idle connections stay known, so that they count on when they wake, unless room gets scarce. */
  #evict(now: number): void {
    const { source } = this.#deps;
    if (this.#sockets.size < (source.maxSockets * 7) / 8) return;
    for (const [cookie, socket] of this.#sockets) {
      if (!this.#isIdle(socket, now)) continue;
      this.#sockets.delete(cookie);
      source.remove(cookie);
      this.#counters.socket_eviction_completed += 1;
    }
  }

  #isIdle(socket: TrackedSocket, now: number): boolean {
    return now - socket.activeAt > this.#deps.notrackMillis;
  }

  #takeFlows(): readonly ReportedFlow[] {
    const used = new Set<FlowWindow>();
    for (const socket of this.#sockets.values()) used.add(socket.flow);
    const { cgroups, source } = this.#deps;
    const unknown = source.unknown.map(plainIndex);
    const taken: ReportedFlow[] = [];
    cgroups.allowReading();
    for (const [key, flow] of this.#flows) {
      if (flow.touched) taken.push(flow.take(unknown, (id) => cgroups.pathOf(id)));
      if (!used.has(flow)) this.#flows.delete(key);
    }
    return taken;
  }
}

function keyOf(flow: FlowKey): string {
  const { side, localAddress, remoteAddress, servicePort, snatAddress, dnatAddress } = flow;
  const key = `${side} ${localAddress} ${remoteAddress} ${servicePort}`;
  const isTranslated = snatAddress !== undefined || dnatAddress !== undefined;
  return isTranslated ? `${key} ${snatAddress} ${dnatAddress}` : key;
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
