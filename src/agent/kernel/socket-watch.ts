import { closeSync, read, readFileSync, readSync, statSync } from 'node:fs';
import { promisify } from 'node:util';
import {
  attachToCgroup,
  errnoName,
  type LoadedObject,
  type OptionalProgram,
  requireBpfObject,
} from './bpf-object.ts';
import { ClosedRing } from './closed-ring.ts';
import { EVENT_COUNTERS, type EventCounter, sumCounters } from './event-counters.ts';
import { type Libbpf, openLibbpf, type Pointer } from './libbpf.ts';
import { type Libc, openLibc } from './libc.ts';
import { findNetNamespaces, inNetNamespace } from './net-namespaces.ts';
import { PROGRESS_BYTES, RECORD_BYTES } from './record-layout.ts';
import { SocketPlaces } from './socket-places.ts';
import { ProgressReader, type SocketProgress } from './socket-progress.ts';
import { SocketRecord } from './socket-record.ts';

const readFd = promisify(read);

/** Sizes given in bpf/kept-sockets.h and bpf/iterators.h. */
const MAX_SOCKETS = 65_536;
const RING_BYTES = 1024 * 1024;
const ADOPTION_BYTES = 8_200;

/** 4,096 at a time keep the longest call at 2 ms; 65,536 at once take up to 42 ms in one call. */
const BATCH = 4_096;

/** An iterator gives at most 32 KB a read. */
const READ_BYTES = 64 * 1024;

export interface SocketWatchOptions {
  /** A folder of a cgroup v2 mount: connections of processes in it and below are seen. */
  readonly cgroupPath: string;
}

/**
 * The TCP connections of a cgroup as the kernel counts them. `start` loads and attaches the eBPF
 * program, `stop` takes it away; it goes with the process too. Connections that begin after `start`
 * are seen, in every network namespace; `adopt`, once after it, adds those that were there before.
 * Everything here is synchronous but `readProgress`.
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

  /** Throws an AgentError when this host cannot run the program. */
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
   * Visits each connection of the cgroup that was there before, with its counters as they are now,
   * and has the kernel go on counting it. None where the kernel cannot.
   */
  adopt(visit: (record: SocketRecord) => void): void {
    const { libbpf, links } = this.#started();
    if (links.adopt === undefined) return;
    const link = libbpf.linkFd(links.adopt);
    for (const { path } of findNetNamespaces()) {
      this.#clearAdoption();
      // An iterator belongs to the namespace it is created in, wherever it is read.
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

  /** Begins the next epoch and returns the one that is over: its round trips are complete. */
  beginEpoch(): number {
    const { libbpf, maps } = this.#started();
    const ended = this.#epoch;
    this.#epoch = (this.#epoch + 1) >>> 0;
    const value = Buffer.alloc(4);
    value.writeUInt32LE(this.#epoch);
    check('begin an epoch', libbpf.update(maps.epoch, Buffer.alloc(4), value));
    return ended;
  }

  /** Nothing is dear here. */
  readAhead(): void {}

  /** Visits each connection that is kept. The record is reused: valid during the visit only. */
  readSockets(visit: (record: SocketRecord) => void): void {
    this.#started().places.read(this.#visitAt(visit));
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
   * Visits each connection that closed since the last call, then forgets it.
   *
   * @returns how full it was where they wait: 0 to 1; when it is 1, others may wait in the table
   */
  takeClosed(visit: (record: SocketRecord) => void): number {
    const { places, ring } = this.#started();
    const visitAt = this.#visitAt(visit);
    return Math.max(places.takeClosed(visitAt), ring.take(visitAt));
  }

  #visitAt(visit: (record: SocketRecord) => void): (view: DataView, at: number) => void {
    return (view, at) => {
      this.#record.view = view;
      this.#record.at = at;
      visit(this.#record);
    };
  }

  /**
   * Takes a connection out of the table, where others need its room: it is seen no more. False when
   * it is not there: it has closed, or has a place of its own.
   */
  remove(cookie: number): boolean {
    const { libbpf, maps } = this.#started();
    const key = Buffer.alloc(8);
    key.writeBigUInt64LE(BigInt(cookie));
    return libbpf.remove(maps.sockets, key) === 0;
  }

  /**
   * Visits how far those live connections are that moved since the last call. Walks every open file
   * of the host (0.8 µs each) in a thread of libuv's pool. None where the kernel cannot.
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

  /** A read may end in the midst of one. */
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

  /** The program's event counters since `start`. */
  counters(): Record<EventCounter, number> {
    const { libbpf, maps, cpus } = this.#started();
    const values = Buffer.alloc(EVENT_COUNTERS.length * cpus * 8);
    check('read the counters', libbpf.lookup(maps.counters, Buffer.alloc(4), values));
    return sumCounters(new DataView(values.buffer, values.byteOffset, values.length), cpus);
  }

  /** Kilobytes of kernel memory the maps hold, as the kernel itself says. */
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
  /** Without those the kernel does not have. */
  readonly links: { readonly watch: Pointer } & { readonly [name in OptionalProgram]?: Pointer };
  readonly places: SocketPlaces;
  readonly ring: ClosedRing;
  readonly cpus: number;
  readonly maps: {
    readonly places: number;
    readonly closedPlaces: number;
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
    places: mapFd('places'),
    closedPlaces: mapFd('closed_places'),
    sockets: mapFd('sockets'),
    closed: mapFd('closed'),
    counters: mapFd('counters'),
    epoch: mapFd('epoch'),
    adoption: mapFd('adoption'),
  };
  const places = new SocketPlaces(libbpf, maps);
  const ring = new ClosedRing(libbpf, maps.closed, RING_BYTES);
  const program = libbpf.findProgram(object.pointer, 'watch');
  const links = {
    watch: attachToCgroup(libbpf, program, cgroupPath),
    ...iteratorLink(libbpf, object, 'adopt'),
    ...iteratorLink(libbpf, object, 'refresh'),
  };
  return { libbpf, object, links, places, ring, cpus: libbpf.possibleCpus(), maps };
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

/** Closes it too. */
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
