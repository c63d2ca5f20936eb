import { FLOW_KEY_WORDS, type SocketRecord } from '../kernel/socket-record.ts';
import type { FlowWindow } from './flow-window.ts';

/** A power of 2. With 500 flows one in fifteen shares its slot with another. */
const SLOTS = 4_096;
const HASH_SHIFT = 32 - Math.log2(SLOTS);

/**
 * Caches flows by the bytes of a connection's record, which saves formatting its addresses as text:
 * that was half of a connection's cost. A flow whose slot is taken evicts the other flow. Usable only
 * without address translation, because the key leaves out the client's port.
 */
export class FlowCache {
  readonly #keys = new Uint32Array(SLOTS * FLOW_KEY_WORDS);
  readonly #flows = new Array<FlowWindow | undefined>(SLOTS).fill(undefined);
  readonly #wanted = new Uint32Array(FLOW_KEY_WORDS);

  find(record: SocketRecord): FlowWindow | undefined {
    const slot = this.#slotOf(record);
    const first = slot * FLOW_KEY_WORDS;
    for (let i = 0; i < FLOW_KEY_WORDS; i += 1) {
      if (this.#keys[first + i] !== this.#wanted[i]) return undefined;
    }
    return this.#flows[slot];
  }

  set(record: SocketRecord, flow: FlowWindow): void {
    const slot = this.#slotOf(record);
    this.#keys.set(this.#wanted, slot * FLOW_KEY_WORDS);
    this.#flows[slot] = flow;
  }

  clear(): void {
    this.#flows.fill(undefined);
  }

  /** Also writes the record's key to `#wanted`. */
  #slotOf(record: SocketRecord): number {
    return record.readFlowKey(this.#wanted) >>> HASH_SHIFT;
  }
}
