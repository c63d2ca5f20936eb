import { closeSync, read, readFileSync, readSync, statSync } from 'node:fs';
import { promisify } from 'node:util';
import {
  attachToCgroup,
  errnoName,
  type LoadedObject,
  type OptionalProgram,
  requireBpfObject,
} from './bpf-object.ts';
import { type ClosedReading, ClosedRing } from './closed-ring.ts';
import { EVENT_COUNTERS, type EventCounter, sumCounters } from './event-counters.ts';
import { type Libbpf, openLibbpf, type Pointer } from './libbpf.ts';
import { type Libc, openLibc } from './libc.ts';
import { findNetNamespaces, inNetNamespace } from './net-namespaces.ts';
import { PROGRESS_BYTES, RECORD_BYTES } from './record-layout.ts';
import { ProgressReader, type SocketProgress } from './socket-progress.ts';
import { SocketRecord } from './socket-record.ts';
import { SocketSlots } from './socket-slots.ts';

const readFd = promisify(read);

/** Sizes as in bpf/kept-sockets.h and bpf/iterators.h. */
const MAX_SOCKETS = 65_536;
const RING_BYTES = 1024 * 1024;
const ADOPTION_BYTES = 8_200;

/** Records a system call: 4,096 take 2 ms at most, 65,536 up to 42 ms. */
const BATCH = 4_096;

/** The kernel gives at most 32 KB of an iterator's output a read. */
const READ_BYTES = 64 * 1024;

export interface SocketWatchOptions {
  /** A folder of a cgroup v2 mount. Connections of processes in it or below it are watched. */
  readonly cgroupPath: string;
}

/**
 * Reads the TCP connections of a cgroup through the eBPF program. `start` loads and attaches the
 * program; `stop`, or the end of the process, detaches it. The program sees connections that begin
 * after `start`, in every network namespace; `adopt`, called once after `start`, adds older ones.
 * All methods but `readProgress` are synchronous.
 */
export class SocketWatch {
  readonly maxSockets = MAX_SOCKETS;
  readonly unknown = [];
  readonly #options: SocketWatchOptions;
  readonly #libc: Libc = openLibc();
  readonly #record: SocketRecord;
  readonly #progress: ProgressReader;
  readonly #keys = Buffer.alloc(BATCH * 8);
  readonly #values = Buffer.alloc(BATCH * RECORD_BYTES);
  readonly #view = new DataView(this.#values.buffer, this.#values.byteOffset, this.#values.length);
  #epoch = 0;
  #running: Running | undefined;

  constructor(options: SocketWatchOptions) {
    this.#options = options;
    const jiffyMicros = this.#libc.jiffyMicros();
    this.#record = new SocketRecord(jiffyMicros);
    this.#progress = new ProgressReader(jiffyMicros);
  }

  /** @throws AgentError when this host cannot run the program */
  start(): void {
    const libbpf = openLibbpf();
    const object = requireBpfObject(libbpf);
    try {
      this.#running = attach(libbpf, object, this.#options.cgroupPath);
    } catch (error) {
      libbpf.closeObject(object.pointer);
      throw error;
    }
  }

  stop(): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    for (const link of Object.values(running.links)) running.libbpf.destroyLink(link);
    running.libbpf.closeObject(running.object.pointer);
  }

  /**
   * Visits each connection of the cgroup that is older than the program, with its counters as of
   * now, and makes the program count it from here on. Visits none before Linux 6.12.
   */
  adopt(visit: (record: SocketRecord) => void): void {
    const { libbpf, links } = this.#started();
    if (links.adopt === undefined) return;
    const link = libbpf.linkFd(links.adopt);
    for (const { path } of findNetNamespaces()) {
      this.#clearAdoption();
      // An iterator belongs to the namespace in which it was created, not to that of its reader.
      const fd = inNetNamespace(this.#libc, path, () => libbpf.createIterator(link));
      if (fd === undefined || fd < 0) continue;
      const records = readToEndSync(fd);
      this.#record.view = new DataView(records.buffer, records.byteOffset, records.length);
      for (let at = 0; at + RECORD_BYTES <= records.length; at += RECORD_BYTES) {
        this.#record.at = at;
        visit(this.#record);
      }
    }
  }

  #clearAdoption(): void {
    const { libbpf, maps } = this.#started();
    const value = Buffer.alloc(ADOPTION_BYTES);
    // A cgroup's id is its folder's inode.
    value.writeBigUInt64LE(statSync(this.#options.cgroupPath, { bigint: true }).ino);
    check('begin to adopt', libbpf.update(maps.adoption, Buffer.alloc(4), value));
  }

  /** Begins the next epoch and returns the one that ended, whose round trips are now complete. */
  beginEpoch(): number {
    const { libbpf, maps } = this.#started();
    const ended = this.#epoch;
    this.#epoch = (this.#epoch + 1) >>> 0;
    const value = Buffer.alloc(4);
    value.writeUInt32LE(this.#epoch);
    check('begin an epoch', libbpf.update(maps.epoch, Buffer.alloc(4), value));
    return ended;
  }

  /** Does nothing: every reading here is cheap. */
  readAhead(): void {}

  /** Visits each connection, in the slots and in the table. The record is reused after the visit. */
  readSockets(visit: (record: SocketRecord) => void): void {
    this.#started().slots.read(this.#visitAt(visit));
    this.#readTable(visit);
  }

  #readTable(visit: (record: SocketRecord) => void): void {
    let before: Buffer | null = null;
    for (;;) {
      const next = Buffer.alloc(4);
      const { count, last } = this.#readBatch(before, next);
      this.#record.view = this.#view;
      for (let i = 0; i < count; i += 1) {
        this.#record.at = i * RECORD_BYTES;
        visit(this.#record);
      }
      if (last) return;
      before = next;
    }
  }

  /**
   * Visits each connection that closed since the last call, then forgets it. Only a full ring makes
   * closed connections stay in the table; full slots do not.
   */
  takeClosed(visit: (record: SocketRecord) => void): ClosedReading {
    const { slots, ring } = this.#started();
    const visitAt = this.#visitAt(visit);
    const slotFill = slots.takeClosed(visitAt);
    const { fill, overflowed } = ring.take(visitAt);
    return { fill: Math.max(slotFill, fill), overflowed };
  }

  #visitAt(visit: (record: SocketRecord) => void): (view: DataView, at: number) => void {
    return (view, at) => {
      this.#record.view = view;
      this.#record.at = at;
      visit(this.#record);
    };
  }

  /**
   * Removes a connection from the table to make room; it is not watched any more.
   *
   * @returns false when the table does not have it: it has closed, or it has a slot
   */
  remove(cookie: number): boolean {
    const { libbpf, maps } = this.#started();
    const key = Buffer.alloc(8);
    key.writeBigUInt64LE(BigInt(cookie));
    return libbpf.remove(maps.sockets, key) === 0;
  }

  /**
   * Visits the progress of the live connections that sent or received since the last call. Walks
   * every open file of the host (0.8 µs each) in a thread of libuv's pool. Visits none before Linux
   * 5.11.
   */
  async readProgress(visit: (progress: SocketProgress) => void): Promise<void> {
    const { libbpf, links } = this.#started();
    if (links.refresh === undefined) return;
    const fd = libbpf.createIterator(libbpf.linkFd(links.refresh));
    if (fd < 0) throw new Error(`cannot create an iterator: ${errnoName(-fd)}`);
    try {
      await this.#visitProgress(fd, visit);
    } finally {
      closeSync(fd);
    }
  }

  /** Keeps the bytes of a progress that a read has cut in two. */
  async #visitProgress(fd: number, visit: (progress: SocketProgress) => void): Promise<void> {
    const bytes = Buffer.allocUnsafeSlow(READ_BYTES);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let held = 0;
    for (;;) {
      const { bytesRead } = await readFd(fd, bytes, held, READ_BYTES - held, null);
      if (bytesRead === 0) return;
      const end = held + bytesRead;
      let at = 0;
      for (; at + PROGRESS_BYTES <= end; at += PROGRESS_BYTES) visit(this.#progress.read(view, at));
      bytes.copyWithin(0, at, end);
      held = end - at;
    }
  }

  /** The program's event counters, since `start`. */
  counters(): Record<EventCounter, number> {
    const { libbpf, maps, cpus } = this.#started();
    const values = Buffer.alloc(EVENT_COUNTERS.length * cpus * 8);
    check('read the counters', libbpf.lookup(maps.counters, Buffer.alloc(4), values));
    return sumCounters(new DataView(values.buffer, values.byteOffset, values.length), cpus);
  }

  /** Kilobytes of kernel memory of the maps, from /proc/self/fdinfo. */
  allocatedKilobytes(): number {
    const bytes = Object.values(this.#started().maps).map((fd) => {
      const info = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
      return Number(/^memlock:\s+(\d+)/m.exec(info)?.[1] ?? 0);
    });
    return Math.round(bytes.reduce((sum, size) => sum + size, 0) / 1024);
  }

  #readBatch(before: Buffer | null, next: Buffer): { count: number; last: boolean } {
    const { libbpf, maps } = this.#started();
    const count = Buffer.alloc(4);
    count.writeUInt32LE(BATCH);
    const batch = { in: before, out: next, keys: this.#keys, values: this.#values, count };
    const result = libbpf.lookupBatch(maps.sockets, batch);
    const last = result < 0 && errnoName(-result) === 'ENOENT';
    if (!last) check('read the table of sockets', result);
    return { count: count.readUInt32LE(), last };
  }

  #started(): Running {
    if (this.#running === undefined) throw new Error('the socket watch is not started');
    return this.#running;
  }
}

interface Running {
  readonly libbpf: Libbpf;
  readonly object: LoadedObject;
  /** Lacks the optional programs that the kernel rejected. */
  readonly links: { readonly watch: Pointer } & { readonly [name in OptionalProgram]?: Pointer };
  readonly slots: SocketSlots;
  readonly ring: ClosedRing;
  readonly cpus: number;
  readonly maps: {
    readonly slots: number;
    readonly closedSlots: number;
    readonly sockets: number;
    readonly closed: number;
    readonly counters: number;
    readonly epoch: number;
    readonly adoption: number;
  };
}

function attach(libbpf: Libbpf, object: LoadedObject, cgroupPath: string): Running {
  const mapFd = (name: string): number => libbpf.findMapFd(object.pointer, name);
  const maps = {
    slots: mapFd('slots'),
    closedSlots: mapFd('closed_slots'),
    sockets: mapFd('sockets'),
    closed: mapFd('closed'),
    counters: mapFd('counters'),
    epoch: mapFd('epoch'),
    adoption: mapFd('adoption'),
  };
  const slots = new SocketSlots(libbpf, maps);
  const ring = new ClosedRing(libbpf, maps.closed, RING_BYTES);
  const program = libbpf.findProgram(object.pointer, 'watch');
  const links = {
    watch: attachToCgroup(libbpf, program, cgroupPath),
    ...iteratorLink(libbpf, object, 'adopt'),
    ...iteratorLink(libbpf, object, 'refresh'),
  };
  return { libbpf, object, links, slots, ring, cpus: libbpf.possibleCpus(), maps };
}

function iteratorLink(
  libbpf: Libbpf,
  object: LoadedObject,
  name: OptionalProgram,
): { readonly [name in OptionalProgram]?: Pointer } {
  if (object.missing.includes(name)) return {};
  const link = libbpf.attachIterator(libbpf.findProgram(object.pointer, name));
  return link === 0n ? {} : { [name]: link };
}

/** Reads to the end and closes the descriptor. */
function readToEndSync(fd: number): Buffer {
  const chunks: Buffer[] = [];
  try {
    for (;;) {
      const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
      const bytesRead = readSync(fd, buffer, 0, READ_BYTES, null);
      if (bytesRead === 0) return Buffer.concat(chunks);
      chunks.push(buffer.subarray(0, bytesRead));
    }
  } finally {
    closeSync(fd);
  }
}

function check(what: string, result: number): void {
  if (result < 0) throw new Error(`cannot ${what}: ${errnoName(-result)}`);
}
