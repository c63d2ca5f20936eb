import { ProcessNames } from './process-names.ts';
import { PROGRESS_OFFSET } from './record-layout.ts';
import { DETAILS_LENGTH, DetailsReader, type SocketDetails } from './socket-details.ts';
import { uint64 } from './uint64.ts';

/** How far a live connection has come, beyond what its record has. */
export interface SocketProgress {
  readonly cookie: number;
  readonly startedNanos: number;
  readonly bytesReceived: number;
  readonly bytesAcked: number;
  readonly segmentsIn: number;
  readonly segmentsOut: number;
  readonly details: SocketDetails;
  /** A process that has the socket open now; "" when not known. */
  readonly processName: string;
}

type Writable<T> = { -readonly [name in keyof T]: T[name] };

/** Reads `struct progress`, one after another, into one object: valid until the next is read. */
export class ProgressReader {
  readonly #details: DetailsReader;
  readonly #names = new ProcessNames();
  readonly #progress: Writable<SocketProgress> = {
    cookie: 0,
    startedNanos: 0,
    bytesReceived: 0,
    bytesAcked: 0,
    segmentsIn: 0,
    segmentsOut: 0,
    details: new Float64Array(DETAILS_LENGTH),
    processName: '',
  };

  /** @param jiffyMicros the kernel's tick, the unit of some details */
  constructor(jiffyMicros: number) {
    this.#details = new DetailsReader(jiffyMicros);
  }

  read(view: DataView, at: number): SocketProgress {
    const progress = this.#progress;
    progress.cookie = uint64(view, at + PROGRESS_OFFSET.cookie);
    progress.startedNanos = uint64(view, at + PROGRESS_OFFSET.startedNanos);
    progress.bytesReceived = uint64(view, at + PROGRESS_OFFSET.bytesReceived);
    progress.bytesAcked = uint64(view, at + PROGRESS_OFFSET.bytesAcked);
    progress.segmentsIn = view.getUint32(at + PROGRESS_OFFSET.segmentsIn, true);
    progress.segmentsOut = view.getUint32(at + PROGRESS_OFFSET.segmentsOut, true);
    progress.details = this.#details.read(view, at + PROGRESS_OFFSET.details);
    progress.processName = this.#names.read(view, at + PROGRESS_OFFSET.command);
    return progress;
  }
}
