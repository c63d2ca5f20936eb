import { FLOW_KEY_WORDS, type SocketRecord } from '../kernel/socket-record.ts';
import type { FlowWindow } from './flow-window.ts';

/** A power of 2. With 500 flows one in fifteen shares its place with another. */
const PLACES = 4_096;
const HASH_SHIFT = 32 - Math.log2(PLACES);

/**
 * The flow of a connection by its record's bytes, without writing addresses as text: that was half
 * of what a connection cost. What is not here, as another flow took its place, is to be had the
 * longer way. Of use only where no address is translated, as the client's port is left out.
 */
export class FlowCache {
  readonly #keys = new Uint32Array(PLACES * FLOW_KEY_WORDS);
  readonly #flows = new Array<FlowWindow | undefined>(PLACES).fill(undefined);
  readonly #wanted = new Uint32Array(FLOW_KEY_WORDS);

  find(record: SocketRecord): FlowWindow | undefined {
    const place = this.#placeOf(record);
    const first = place * FLOW_KEY_WORDS;
    for (let i = 0; i < FLOW_KEY_WORDS; i += 1) {
      if (this.#keys[first + i] !== this.#wanted[i]) return undefined;
    }
    return this.#flows[place];
  }

  set(record: SocketRecord, flow: FlowWindow): void {
    const place = this.#placeOf(record);
    this.#keys.set(this.#wanted, place * FLOW_KEY_WORDS);
    this.#flows[place] = flow;
  }

  clear(): void {
    this.#flows.fill(undefined);
  }

  /** Leaves the record's key in `#wanted`. */
  #placeOf(record: SocketRecord): number {
    return record.readFlowKey(this.#wanted) >>> HASH_SHIFT;
  }
}
