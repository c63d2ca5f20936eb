import { addressScope } from '../../model/address.ts';
import type { CategoryHint, Remainder, ReportedFlow } from '../../model/report.ts';
import type { NatMapping } from '../kernel/nat-table.ts';
import type { SocketRecord } from '../kernel/socket-record.ts';
import { FlowCache } from './flow-cache.ts';
import { type FlowKey, FlowWindow, flowOf } from './flow-window.ts';

/** The number of folded flows is exact up to this limit. Each key takes 50 B. */
const MAX_CUT_KEYS = 262_144;

/** Folding walks all flows, so it stops for the window when it frees less than this share. */
const WORTH_FOLDING = 1 / 16;

interface CutFlows {
  readonly hint: CategoryHint;
  readonly window: FlowWindow;
  /** Hashes of the folded flows' keys, so that none counts twice. */
  readonly keys: Set<number>;
}

/** The flows of a window that ended. */
export interface TakenFlows {
  readonly flows: readonly ReportedFlow[];
  /** The flows beyond the limit, added up. */
  readonly remainders: readonly Remainder[];
}

/**
 * The flows of a window. Beyond `max`, the table folds flows without an open connection into sums:
 * half of them at a time, those with the least loss. Whatever a folded flow does in the rest of the
 * window is added to the same sum, so totals stay exact and the flows with most loss are kept.
 */
export class FlowTable {
  readonly #max: number;
  readonly #flows = new Map<string, FlowWindow>();
  readonly #cut = new Map<string, CutFlows>();
  readonly #cache = new FlowCache();
  #mayFold = true;

  constructor(max: number) {
    this.#max = max;
  }

  /** The flow of a connection, without a lookup of translated addresses. */
  find(record: SocketRecord): FlowWindow {
    const cached = this.#cache.find(record);
    if (cached !== undefined) return cached;
    const flow = this.#findByText(flowOf(record, undefined));
    if (!flow.isCut) this.#cache.set(record, flow);
    return flow;
  }

  /**
   * The flow of a connection that may be translated. It is not cached: the mapping depends on the
   * client's port, which the cache leaves out.
   *
   * @param mapping undefined: the connection is not translated
   */
  findMapped(record: SocketRecord, mapping: NatMapping | undefined): FlowWindow {
    return this.#findByText(flowOf(record, mapping));
  }

  /**
   * Ends the window.
   *
   * @param unknown indexes of the values that the source does not know
   * @param cgroupPath the path of a cgroup by its id
   */
  take(unknown: readonly number[], cgroupPath: (id: number) => string | undefined): TakenFlows {
    const flows: ReportedFlow[] = [];
    for (const [key, flow] of this.#flows) {
      if (flow.touched) flows.push(flow.take(unknown, cgroupPath));
      if (flow.connections === 0) this.#flows.delete(key);
    }
    this.#cache.clear();
    this.#mayFold = true;
    return { flows, remainders: this.#takeRemainders(unknown) };
  }

  #takeRemainders(unknown: readonly number[]): readonly Remainder[] {
    const remainders: Remainder[] = [];
    for (const [key, { hint, window, keys }] of this.#cut) {
      const { side } = window;
      if (window.touched) {
        const { values } = window.take(unknown, () => undefined);
        remainders.push({ side, hint, flows: keys.size, values });
      }
      // A flow stays in the sum while one of its connections is open.
      if (window.connections === 0) this.#cut.delete(key);
    }
    return remainders;
  }

  #findByText(flow: FlowKey): FlowWindow {
    const key = keyOf(flow);
    const known = this.#flows.get(key);
    if (known !== undefined) return known;
    if (this.#cut.size > 0 && this.#cutOf(flow).keys.has(hashOf(key)))
      return this.#cutOf(flow).window;
    if (this.#flows.size >= this.#max && this.#mayFold) this.#fold();
    if (this.#flows.size < this.#max) {
      const window = new FlowWindow(flow);
      this.#flows.set(key, window);
      return window;
    }
    const { window, keys } = this.#cutOf(flow);
    addKey(keys, key);
    return window;
  }

  /** Folds half of the flows without an open connection, those with the least loss. */
  #fold(): void {
    const over: { key: string; flow: FlowWindow; loss: number; bytes: number }[] = [];
    for (const [key, flow] of this.#flows) {
      if (flow.connections === 0) over.push({ key, flow, ...flow.rank() });
    }
    over.sort((a, b) => a.loss - b.loss || a.bytes - b.bytes);
    const folded = over.slice(0, Math.ceil(over.length / 2));
    for (const { key, flow } of folded) {
      const { window, keys } = this.#cutOf(flow);
      flow.foldInto(window);
      addKey(keys, key);
      this.#flows.delete(key);
    }
    this.#cache.clear();
    this.#mayFold = folded.length >= this.#max * WORTH_FOLDING;
  }

  #cutOf(flow: FlowKey): CutFlows {
    const { side } = flow;
    const hint = hintOf(flow);
    const key = `${side} ${hint}`;
    const known = this.#cut.get(key);
    if (known !== undefined) return known;
    const nowhere = { side, localAddress: '', remoteAddress: '', servicePort: 0, isCut: true };
    const cut: CutFlows = { hint, window: new FlowWindow(nowhere), keys: new Set() };
    this.#cut.set(key, cut);
    return cut;
  }
}

/** The category of a flow's remote address. */
export function hintOf(flow: Pick<FlowKey, 'remoteAddress' | 'dnatAddress'>): CategoryHint {
  const scope = addressScope(flow.dnatAddress ?? flow.remoteAddress);
  return scope === 'loopback' || scope === 'global' ? scope : 'private';
}

function addKey(keys: Set<number>, key: string): void {
  if (keys.size < MAX_CUT_KEYS) keys.add(hashOf(key));
}

function keyOf(flow: FlowKey): string {
  const { side, localAddress, remoteAddress, servicePort, snatAddress, dnatAddress } = flow;
  const key = `${side} ${localAddress} ${remoteAddress} ${servicePort}`;
  const isTranslated = snatAddress !== undefined || dnatAddress !== undefined;
  return isTranslated ? `${key} ${snatAddress} ${dnatAddress}` : key;
}

/** A hash of 52 bits (cyrb53): two of 300,000 keys collide once in 100,000 windows. */
function hashOf(key: string): number {
  let high = 0xdead_beef;
  let low = 0x41c6_ce57;
  for (let i = 0; i < key.length; i += 1) {
    const code = key.charCodeAt(i);
    high = Math.imul(high ^ code, 0x9e37_79b1);
    low = Math.imul(low ^ code, 0x5f35_6495);
  }
  high = Math.imul(high ^ (high >>> 16), 0x85eb_ca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2_ae35);
  low = Math.imul(low ^ (low >>> 16), 0x85eb_ca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2_ae35);
  return (low >>> 12) * 0x1_0000_0000 + (high >>> 0);
}
