import type { PlainMetric } from '../../model/flow-metrics.ts';
import type { ClosedReading } from './closed-ring.ts';
import { type DiagSocket, readDiag, SKNLGRP_TCP_DESTROY } from './diag-message.ts';
import { type Libc, openLibc } from './libc.ts';
import { NamespaceDumps } from './namespace-dumps.ts';
import { NETLINK_SOCK_DIAG, NetlinkSocket } from './netlink-socket.ts';
import { RECORD_BYTES, TCP_STATE } from './record-layout.ts';
import { detailIndex } from './socket-details.ts';
import type { SocketProgress } from './socket-progress.ts';
import { SocketRecord } from './socket-record.ts';
import { metricsBeyondTcpInfo } from './tcp-info.ts';
import { writeRecord } from './write-record.ts';

const MAX_SOCKETS = 65_536;

/** Room for 26,000 ends between two readings: 50,000 a second if read each half second. */
const BUFFER_BYTES = 16 * 1024 * 1024;

/** Netlink gives no start time, so all connections of a socket look like one. */
const STARTED = 1;

const BUSY = detailIndex('busy_us');

/** A connection as of its last reading. */
interface WatchedConnection {
  socket: DiagSocket;
  readonly isServer: boolean;
  isAdopted: boolean;
  /** Rewritten only when something changes, as most connections are idle most of the time. */
  readonly record: DataView;
  /**
   * True after the collector removed the connection to make room. It is shown again at the next
   * change.
   */
  isHidden: boolean;
  changes: number;
  dump: number;
  /** Retransmissions and timeouts by phase, as derived from the states at the readings. */
  readonly retrans: [number, number, number];
  readonly rtos: [number, number, number];
  /** The epoch of the last reading that had a round trip time. */
  sampledIn: number;
}

/**
 * Reads the TCP connections of the whole host through netlink, on kernels that reject the eBPF
 * program: a dump at each report, and an event at each end. `unknown` lists the metrics it lacks;
 * docs/reference/agent-collection.md has the differences. The collector uses it as it uses
 * `SocketWatch`.
 */
export class NetlinkWatch {
  readonly maxSockets = MAX_SOCKETS;
  readonly #bufferBytes: number;
  readonly #libc: Libc = openLibc();
  readonly #jiffyMicros = this.#libc.jiffyMicros();
  readonly #record = new SocketRecord(this.#jiffyMicros);
  readonly #connections = new Map<number, WatchedConnection>();
  readonly #dumps = new NamespaceDumps(this.#libc);
  #events: NetlinkSocket | undefined;
  #progress: SocketProgress[] = [];
  #epoch = 0;
  #dump = 0;
  #minInfoBytes = Number.POSITIVE_INFINITY;
  readonly #counters = emptyCounters();

  /** @param bufferBytes room for events that wait to be read */
  constructor(bufferBytes = BUFFER_BYTES) {
    this.#bufferBytes = bufferBytes;
  }

  /** The metrics that this kernel does not give through netlink. */
  get unknown(): readonly PlainMetric[] {
    return metricsBeyondTcpInfo(this.#minInfoBytes);
  }

  /** @throws AgentError when this process lacks the right */
  start(): void {
    this.#dumps.start();
    // Subscribe before the dump, so that a connection that ends during it is in one of the two.
    this.#events = new NetlinkSocket(this.#libc, NETLINK_SOCK_DIAG);
    for (const group of SKNLGRP_TCP_DESTROY) this.#events.join(group, this.#bufferBytes);
  }

  stop(): void {
    this.#events?.close();
    this.#events = undefined;
    this.#dumps.stop();
  }

  /** Visits each existing connection, with the counters from which to count. */
  adopt(visit: (record: SocketRecord) => void): void {
    this.readAhead();
    for (const connection of this.#connections.values()) {
      rebase(connection);
      this.#counters.sockets_adopted += 1;
      this.#write(connection);
      visit(this.#recordOf(connection));
    }
  }

  beginEpoch(): number {
    this.#epoch += 1;
    return this.#epoch - 1;
  }

  /** Dumps the connections of every namespace: 1.5 µs each, so once a report. */
  readAhead(): void {
    this.#dump += 1;
    this.#progress = [];
    this.#dumps.read((socket) => this.#observe(socket));
  }

  readSockets(visit: (record: SocketRecord) => void): void {
    for (const [cookie, connection] of this.#connections) {
      // Absent from the last two dumps: the event of its end was lost.
      if (connection.dump < this.#dump - 1) this.#connections.delete(cookie);
      else if (!connection.isHidden) visit(this.#recordOf(connection));
    }
  }

  /** The fill is always 0: the kernel does not show how full the socket's buffer is. */
  takeClosed(visit: (record: SocketRecord) => void): ClosedReading {
    const drained = this.#events?.drain((bytes) => {
      const result = readDiag(bytes, (socket) => this.#end(socket, visit));
      if (result === 'malformed') this.#counters.other_errors += 1;
    });
    if (drained === 'overflow') this.#counters.events_lost += 1;
    return { fill: 0, overflowed: false };
  }

  /** Visits the connections that had changed in the last dump. */
  readProgress(visit: (progress: SocketProgress) => void): Promise<void> {
    for (const progress of this.#progress) visit(progress);
    this.#progress = [];
    return Promise.resolve();
  }

  remove(cookie: number): boolean {
    const connection = this.#connections.get(cookie);
    if (connection === undefined) return false;
    connection.isHidden = true;
    return true;
  }

  counters(): Readonly<Record<string, number>> {
    return this.#counters;
  }

  /** 0: netlink needs no eBPF maps. */
  allocatedKilobytes(): number {
    return 0;
  }

  #observe(socket: DiagSocket): void {
    const { info, cookie } = socket;
    if (info === undefined) return;
    const connection = this.#connections.get(cookie);
    if (connection === undefined) {
      this.#begin(socket);
      return;
    }
    connection.dump = this.#dump;
    if (isSame(connection.socket, socket)) return;
    this.#update(connection, socket);
    if (connection.isHidden) {
      connection.isHidden = false;
      rebase(connection);
      this.#write(connection);
    }
    this.#addProgress(socket);
  }

  #begin(socket: DiagSocket): WatchedConnection | undefined {
    if (this.#connections.size >= MAX_SOCKETS) {
      this.#counters.map_insertion_errors += 1;
      return undefined;
    }
    const connection = this.#newConnection(socket);
    this.#connections.set(socket.cookie, connection);
    this.#addProgress(socket);
    return connection;
  }

  #newConnection(socket: DiagSocket): WatchedConnection {
    this.#counters.socket_events += 1;
    const connection: WatchedConnection = {
      socket: { ...socket, info: undefined },
      isServer: this.#dumps.isListening(socket),
      isAdopted: false,
      record: new DataView(new ArrayBuffer(RECORD_BYTES)),
      isHidden: false,
      changes: 0,
      dump: this.#dump,
      retrans: [0, 0, 0],
      rtos: [0, 0, 0],
      sampledIn: -1,
    };
    this.#update(connection, socket);
    return connection;
  }

  /** Adds the growth since the last reading to the connection's phase at that reading. */
  #update(connection: WatchedConnection, socket: DiagSocket): void {
    const before = connection.socket;
    const phase = phaseOf(before.info === undefined ? socket : before);
    const { info } = socket;
    if (info === undefined) return;
    this.#minInfoBytes = Math.min(this.#minInfoBytes, socket.infoBytes);
    connection.retrans[phase] += Math.max(0, info.totalRetrans - (before.info?.totalRetrans ?? 0));
    connection.rtos[phase] += Math.max(0, info.totalRtos - (before.info?.totalRtos ?? 0));
    connection.socket = socket;
    connection.changes += 1;
    connection.sampledIn = this.#epoch;
    this.#write(connection);
  }

  #addProgress({ cookie, info }: DiagSocket): void {
    if (info === undefined) return;
    const { bytesReceived, bytesAcked, segmentsIn, segmentsOut, details } = info;
    const moved = { bytesReceived, bytesAcked, segmentsIn, segmentsOut, details };
    this.#progress.push({ cookie, startedNanos: STARTED, ...moved, processName: '' });
  }

  /**
   * Visits the last record of a connection. By then the kernel may have cleared parts of it: a
   * reset clears the counters, a rejected connect the port too.
   */
  #end(socket: DiagSocket, visit: (record: SocketRecord) => void): void {
    const before = this.#connections.get(socket.cookie);
    this.#connections.delete(socket.cookie);
    if (before === undefined && (socket.remotePort === 0 || socket.info === undefined)) {
      this.#counters.events_lost += 1;
      return;
    }
    const connection = before ?? this.#newConnection(socket);
    const isWhole = (socket.info?.bytesAcked ?? 0) >= (connection.socket.info?.bytesAcked ?? 0);
    if (before !== undefined && isWhole && socket.remotePort !== 0) {
      const { cgroupId } = before.socket;
      this.#update(connection, { ...socket, cgroupId });
    }
    connection.socket = { ...connection.socket, state: TCP_STATE.close };
    this.#write(connection);
    visit(this.#recordOf(connection));
  }

  #write({ record, socket, ...own }: WatchedConnection): void {
    const { info, ...rest } = socket;
    const rtt = info?.smoothedRttMicros ?? 0;
    const times = { count: 1, min: rtt, max: rtt, sum: rtt };
    // Netlink gives only the smoothed round trip time, so it serves as sample and as smoothed time,
    // as with eBPF before Linux 6.11.
    const trips = { epoch: own.sampledIn, rtt: times, smoothed: times };
    const roundTrips = rtt > 0 ? [trips] : [];
    const fields = { ...rest, ...info, ...own, startedNanos: STARTED, roundTrips };
    writeRecord(record, fields, this.#jiffyMicros);
  }

  #recordOf({ record }: WatchedConnection): SocketRecord {
    this.#record.view = record;
    return this.#record;
  }
}

/**
 * Counts the connection from here on. When a hidden connection changes, its earlier growth cannot
 * be separated from that change.
 */
function rebase(connection: WatchedConnection): void {
  connection.isAdopted = true;
  connection.retrans.fill(0);
  connection.rtos.fill(0);
}

function phaseOf({ state, info }: DiagSocket): 0 | 1 | 2 {
  if (state === TCP_STATE.established) return 1;
  if (state === TCP_STATE.synSent) return 0;
  // At its end every connection is closed. Without an acknowledged byte it was never established.
  if (state === TCP_STATE.close) {
    return info !== undefined && info.bytesAcked + info.bytesReceived === 0 ? 0 : 1;
  }
  return 2;
}

function isSame({ info: a, state }: DiagSocket, { info: b, state: now }: DiagSocket): boolean {
  if (a === undefined || b === undefined) return false;
  return (
    state === now &&
    a.bytesAcked === b.bytesAcked &&
    a.bytesReceived === b.bytesReceived &&
    a.segmentsIn === b.segmentsIn &&
    a.segmentsOut === b.segmentsOut &&
    a.totalRetrans === b.totalRetrans &&
    a.details[BUSY] === b.details[BUSY]
  );
}

/** Named like eBPF's counters. `events_lost` counts a loss of unknown size as one. */
function emptyCounters() {
  return {
    socket_events: 0,
    map_insertion_errors: 0,
    sockets_adopted: 0,
    other_errors: 0,
    events_lost: 0,
  };
}
