import type { PlainMetric } from '../../model/flow-metrics.ts';
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

/** 26,000 ends between two readings: 50,000 a second at the usual half second. */
const BUFFER_BYTES = 16 * 1024 * 1024;

/** Every connection of a socket looks like the same one. */
const STARTED = 1;

const BUSY = detailIndex('busy_us');

/** A connection as of its last reading. */
interface Known {
  socket: DiagSocket;
  readonly isServer: boolean;
  isAdopted: boolean;
  /** Written anew when something changes: most connections rest most of the time. */
  readonly record: DataView;
  /** Out of sight until something happens to it: room was scarce. */
  isHidden: boolean;
  changes: number;
  dump: number;
  /** Retransmissions and timeouts by phase, as far as the readings tell. */
  readonly retrans: [number, number, number];
  readonly rtos: [number, number, number];
  /** The epoch of the last reading that had a round trip time. */
  sampledIn: number;
}

/**
 * The TCP connections of the whole host by netlink: a dump at each report, and the kernel's word at
 * each end. For kernels that take no eBPF. What it cannot know is in `unknown`, and in
 * docs/reference/agent-collection.md. The collector reads it as it reads `SocketWatch`.
 */
export class NetlinkWatch {
  readonly maxSockets = MAX_SOCKETS;
  readonly #bufferBytes: number;
  readonly #libc: Libc = openLibc();
  readonly #jiffyMicros = this.#libc.jiffyMicros();
  readonly #record = new SocketRecord(this.#jiffyMicros);
  readonly #known = new Map<number, Known>();
  readonly #dumps = new NamespaceDumps(this.#libc);
  #events: NetlinkSocket | undefined;
  #progress: SocketProgress[] = [];
  #epoch = 0;
  #dump = 0;
  #minInfoBytes = Number.POSITIVE_INFINITY;
  readonly #counters = emptyCounters();

  /** @param bufferBytes of ends that wait to be read */
  constructor(bufferBytes = BUFFER_BYTES) {
    this.#bufferBytes = bufferBytes;
  }

  /** What no flow says, as the kernel does not tell it this way. */
  get unknown(): readonly PlainMetric[] {
    return metricsBeyondTcpInfo(this.#minInfoBytes);
  }

  /** Throws an AgentError when this process may not. */
  start(): void {
    this.#dumps.start();
    // First the events: what ends during the dump is then in either.
    this.#events = new NetlinkSocket(this.#libc, NETLINK_SOCK_DIAG);
    for (const group of SKNLGRP_TCP_DESTROY) this.#events.join(group, this.#bufferBytes);
  }

  stop(): void {
    this.#events?.close();
    this.#events = undefined;
    this.#dumps.stop();
  }

  /** Visits each connection there is; its counters are where to count from. */
  adopt(visit: (record: SocketRecord) => void): void {
    this.readAhead();
    for (const known of this.#known.values()) {
      rebase(known);
      this.#counters.sockets_adopted += 1;
      this.#write(known);
      visit(this.#recordOf(known));
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
    this.#dumps.read((socket) => this.#meet(socket));
  }

  readSockets(visit: (record: SocketRecord) => void): void {
    for (const [cookie, known] of this.#known) {
      // In neither of the last two dumps: its end was among what was lost.
      if (known.dump < this.#dump - 1) this.#known.delete(cookie);
      else if (!known.isHidden) visit(this.#recordOf(known));
    }
  }

  /** How full the socket's buffer was is not known. */
  takeClosed(visit: (record: SocketRecord) => void): number {
    const drained = this.#events?.drain((bytes) => {
      const result = readDiag(bytes, (socket) => this.#end(socket, visit));
      if (result === 'malformed') this.#counters.other_errors += 1;
    });
    if (drained === 'overflow') this.#counters.events_lost += 1;
    return 0;
  }

  /** Visits what the last dump saw move. */
  readProgress(visit: (progress: SocketProgress) => void): Promise<void> {
    for (const progress of this.#progress) visit(progress);
    this.#progress = [];
    return Promise.resolve();
  }

  remove(cookie: number): boolean {
    const known = this.#known.get(cookie);
    if (known === undefined) return false;
    known.isHidden = true;
    return true;
  }

  counters(): Readonly<Record<string, number>> {
    return this.#counters;
  }

  /** There are no maps. */
  allocatedKilobytes(): number {
    return 0;
  }

  #meet(socket: DiagSocket): void {
    const { info, cookie } = socket;
    if (info === undefined) return;
    const known = this.#known.get(cookie);
    if (known === undefined) {
      this.#begin(socket);
      return;
    }
    known.dump = this.#dump;
    if (isSame(known.socket, socket)) return;
    this.#update(known, socket);
    if (known.isHidden) {
      known.isHidden = false;
      rebase(known);
      this.#write(known);
    }
    this.#tell(socket);
  }

  #begin(socket: DiagSocket): Known | undefined {
    if (this.#known.size >= MAX_SOCKETS) {
      this.#counters.map_insertion_errors += 1;
      return undefined;
    }
    const known = this.#newKnown(socket);
    this.#known.set(socket.cookie, known);
    this.#tell(socket);
    return known;
  }

  #newKnown(socket: DiagSocket): Known {
    this.#counters.socket_events += 1;
    const known: Known = {
      socket: { ...socket, info: undefined },
      isServer: this.#dumps.isListening(socket.localPort),
      isAdopted: false,
      record: new DataView(new ArrayBuffer(RECORD_BYTES)),
      isHidden: false,
      changes: 0,
      dump: this.#dump,
      retrans: [0, 0, 0],
      rtos: [0, 0, 0],
      sampledIn: -1,
    };
    this.#update(known, socket);
    return known;
  }

  /** What grew between two readings belongs to the phase the connection was in at the first. */
  #update(known: Known, socket: DiagSocket): void {
    const before = known.socket;
    const phase = phaseOf(before.info === undefined ? socket : before);
    const { info } = socket;
    if (info === undefined) return;
    this.#minInfoBytes = Math.min(this.#minInfoBytes, socket.infoBytes);
    known.retrans[phase] += Math.max(0, info.totalRetrans - (before.info?.totalRetrans ?? 0));
    known.rtos[phase] += Math.max(0, info.totalRtos - (before.info?.totalRtos ?? 0));
    known.socket = socket;
    known.changes += 1;
    known.sampledIn = this.#epoch;
    this.#write(known);
  }

  #tell({ cookie, info }: DiagSocket): void {
    if (info === undefined) return;
    const { bytesReceived, bytesAcked, segmentsIn, segmentsOut, details } = info;
    const moved = { bytesReceived, bytesAcked, segmentsIn, segmentsOut, details };
    this.#progress.push({ cookie, startedNanos: STARTED, ...moved, processName: '' });
  }

  /** The kernel has forgotten some by now: a reset takes the counters, a refusal the port too. */
  #end(socket: DiagSocket, visit: (record: SocketRecord) => void): void {
    const before = this.#known.get(socket.cookie);
    this.#known.delete(socket.cookie);
    if (before === undefined && (socket.remotePort === 0 || socket.info === undefined)) {
      this.#counters.events_lost += 1;
      return;
    }
    const known = before ?? this.#newKnown(socket);
    const isWhole = (socket.info?.bytesAcked ?? 0) >= (known.socket.info?.bytesAcked ?? 0);
    if (before !== undefined && isWhole && socket.remotePort !== 0) {
      const { cgroupId } = before.socket;
      this.#update(known, { ...socket, cgroupId });
    }
    known.socket = { ...known.socket, state: TCP_STATE.close };
    this.#write(known);
    visit(this.#recordOf(known));
  }

  #write({ record, socket, ...own }: Known): void {
    const { info, ...rest } = socket;
    const rtt = info?.smoothedRttMicros ?? 0;
    const times = { count: 1, min: rtt, max: rtt, sum: rtt };
    // The kernel tells only the smoothed time this way: it stands for both, as it does for eBPF
    // before Linux 6.11.
    const trips = { epoch: own.sampledIn, rtt: times, smoothed: times };
    const roundTrips = rtt > 0 ? [trips] : [];
    const fields = { ...rest, ...info, ...own, startedNanos: STARTED, roundTrips };
    writeRecord(record, fields, this.#jiffyMicros);
  }

  #recordOf({ record }: Known): SocketRecord {
    this.#record.view = record;
    return this.#record;
  }
}

/** Has what comes be counted from here: what it did before is not to be told from what woke it. */
function rebase(known: Known): void {
  known.isAdopted = true;
  known.retrans.fill(0);
  known.rtos.fill(0);
}

function phaseOf({ state, info }: DiagSocket): 0 | 1 | 2 {
  if (state === TCP_STATE.established) return 1;
  if (state === TCP_STATE.synSent) return 0;
  // At its end every connection is closed; one that nothing was acknowledged of was never open.
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

/** Names as of eBPF's counters; `events_lost` counts losses of unknown size too, each as one. */
function emptyCounters() {
  return {
    socket_events: 0,
    map_insertion_errors: 0,
    sockets_adopted: 0,
    other_errors: 0,
    events_lost: 0,
  };
}
