import { type AddressWords, maskWord, type Prefix } from './address-words.ts';

/** What a prefix means in a space, from when to when. */
export interface PrefixEntry {
  /** A network, a route table: prefixes of different spaces have nothing to do with each other. */
  readonly space: number;
  readonly prefix: Prefix;
  /** What it stands for: a place in a list of the owner's. 0 or more. */
  readonly value: number;
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

/** Ends nothing: as long as there are flows (DateTime ends in 2106). */
export const FOREVER = 0xffffffff;

const NONE = -1;

/**
 * Prefixes by space and time: the longest that holds an address at a time, found in at most as many
 * steps as the space has prefix lengths, without allocating. One hash table of typed arrays, 37
 * bytes an entry: 100,000 objects would cost ten times that, and the collector's time.
 *
 * Of equal prefixes at one time, the one that began last counts; of those, the one `prefer` says.
 */
export class PrefixIndex {
  /** Whether the first value goes before the second, of entries that began at once. */
  readonly #prefer: (value: number, other: number) => boolean;
  #slots = new Int32Array(1024).fill(NONE);
  #keys = 0;
  #size = 0;
  #spaces = new Int32Array(512);
  #lengths = new Uint8Array(512);
  #words = new Uint32Array(2048);
  #values = new Int32Array(512);
  #next = new Int32Array(512);
  #from = new Uint32Array(512);
  #to = new Uint32Array(512);
  /** The prefix lengths of a space, longest first: IPv4 at twice its number, IPv6 after it. */
  readonly #lengthsOf: number[][] = [];
  /** The key that is looked for: owned by `#slotOf`. */
  readonly #probe = new Uint32Array(4);

  constructor(prefer: (value: number, other: number) => boolean = () => false) {
    this.#prefer = prefer;
  }

  get size(): number {
    return this.#size;
  }

  /** The number of the entry, for `extend`. */
  add(entry: PrefixEntry): number {
    const { space, prefix, value } = entry;
    if (this.#size === this.#spaces.length) this.#growEntries();
    if (this.#keys * 2 >= this.#slots.length) this.#growSlots();
    const added = this.#size;
    this.#size += 1;
    this.#spaces[added] = space;
    this.#lengths[added] = prefix.length;
    this.#words.set(prefix.address.words, added * 4);
    this.#values[added] = value;
    this.#from[added] = entry.fromSeconds;
    this.#to[added] = Math.min(FOREVER, entry.toSeconds);
    this.#addLength(space * 2 + (prefix.address.isV4 ? 0 : 1), prefix.length);
    this.#link(added);
    return added;
  }

  /** Lets an entry last longer. */
  extend(entry: number, toSeconds: number): void {
    this.#to[entry] = Math.min(FOREVER, toSeconds);
  }

  /** The value of the longest prefix of a space that holds the address at a time; -1 when none does. */
  find(space: number, address: AddressWords, timeSeconds: number): number {
    const entry = this.#entryOf(space, address, timeSeconds);
    return entry === NONE ? NONE : (this.#values[entry] as number);
  }

  /** As `find`, but -1 when several values are as good. */
  findOnly(space: number, address: AddressWords, timeSeconds: number): number {
    const entry = this.#entryOf(space, address, timeSeconds);
    if (entry === NONE) return NONE;
    const other = this.#firstValid(this.#next[entry] as number, timeSeconds);
    const isOnly = other === NONE || this.#values[other] === this.#values[entry];
    return isOnly ? (this.#values[entry] as number) : NONE;
  }

  /**
   * Calls back for every two entries of one prefix that overlap in time and have different values;
   * says whether both last.
   */
  forEachOverlap(act: (value: number, other: number, isOpen: boolean) => void): void {
    for (const head of this.#slots) {
      for (let entry = head; entry !== NONE; entry = this.#next[entry] as number) {
        let other = this.#next[entry] as number;
        for (; other !== NONE; other = this.#next[other] as number) {
          // The other began no later.
          const overlaps = (this.#to[other] as number) > (this.#from[entry] as number);
          if (!overlaps || this.#values[other] === this.#values[entry]) continue;
          const isOpen = this.#to[entry] === FOREVER && this.#to[other] === FOREVER;
          act(this.#values[entry] as number, this.#values[other] as number, isOpen);
        }
      }
    }
  }

  #entryOf(space: number, address: AddressWords, timeSeconds: number): number {
    const lengths = this.#lengthsOf[space * 2 + (address.isV4 ? 0 : 1)];
    if (lengths === undefined) return NONE;
    for (let i = 0; i < lengths.length; i += 1) {
      const length = lengths[i] as number;
      this.#setProbe(address.words, length);
      const head = this.#slots[this.#slotOf(space, length)] as number;
      const entry = this.#firstValid(head, timeSeconds);
      if (entry !== NONE) return entry;
    }
    return NONE;
  }

  #firstValid(first: number, timeSeconds: number): number {
    let entry = first;
    while (entry !== NONE) {
      const isValid =
        (this.#from[entry] as number) <= timeSeconds && timeSeconds < (this.#to[entry] as number);
      if (isValid) return entry;
      entry = this.#next[entry] as number;
    }
    return NONE;
  }

  #addLength(list: number, length: number): void {
    const lengths = this.#lengthsOf[list];
    if (lengths === undefined) {
      while (this.#lengthsOf.length < list) this.#lengthsOf.push([]);
      this.#lengthsOf[list] = [length];
    } else if (!lengths.includes(length)) {
      lengths.push(length);
      lengths.sort((a, b) => b - a);
    }
  }

  #link(added: number): void {
    const at = added * 4;
    for (let i = 0; i < 4; i += 1) this.#probe[i] = this.#words[at + i] as number;
    const slot = this.#slotOf(this.#spaces[added] as number, this.#lengths[added] as number);
    let before = NONE;
    let after = this.#slots[slot] as number;
    if (after === NONE) this.#keys += 1;
    while (after !== NONE && this.#goesBefore(after, added)) {
      before = after;
      after = this.#next[after] as number;
    }
    this.#next[added] = after;
    if (before === NONE) this.#slots[slot] = added;
    else this.#next[before] = added;
  }

  #goesBefore(entry: number, added: number): boolean {
    const from = this.#from[entry] as number;
    const addedFrom = this.#from[added] as number;
    if (from !== addedFrom) return from > addedFrom;
    return !this.#prefer(this.#values[added] as number, this.#values[entry] as number);
  }

  #setProbe(words: Uint32Array, length: number): void {
    const probe = this.#probe;
    probe[0] = maskWord(words[0] as number, length);
    probe[1] = maskWord(words[1] as number, length - 32);
    probe[2] = maskWord(words[2] as number, length - 64);
    probe[3] = maskWord(words[3] as number, length - 96);
  }

  /** The slot of the probe's key: its own, or the free one where it would be. */
  #slotOf(space: number, length: number): number {
    const probe = this.#probe;
    const mask = this.#slots.length - 1;
    let slot = hash(probe, space * 129 + length) & mask;
    for (;;) {
      const entry = this.#slots[slot] as number;
      if (entry === NONE || this.#isKeyOf(entry, space, length)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #isKeyOf(entry: number, space: number, length: number): boolean {
    const at = entry * 4;
    const words = this.#words;
    const probe = this.#probe;
    return (
      words[at + 3] === probe[3] &&
      this.#spaces[entry] === space &&
      this.#lengths[entry] === length &&
      words[at + 2] === probe[2] &&
      words[at + 1] === probe[1] &&
      words[at] === probe[0]
    );
  }

  #growSlots(): void {
    const heads = this.#slots.filter((entry) => entry !== NONE);
    this.#slots = new Int32Array(this.#slots.length * 2).fill(NONE);
    for (const head of heads) {
      for (let i = 0; i < 4; i += 1) this.#probe[i] = this.#words[head * 4 + i] as number;
      const slot = this.#slotOf(this.#spaces[head] as number, this.#lengths[head] as number);
      this.#slots[slot] = head;
    }
  }

  #growEntries(): void {
    const size = this.#spaces.length * 2;
    this.#spaces = grown(this.#spaces, new Int32Array(size));
    this.#lengths = grown(this.#lengths, new Uint8Array(size));
    this.#words = grown(this.#words, new Uint32Array(size * 4));
    this.#values = grown(this.#values, new Int32Array(size));
    this.#next = grown(this.#next, new Int32Array(size));
    this.#from = grown(this.#from, new Uint32Array(size));
    this.#to = grown(this.#to, new Uint32Array(size));
  }
}

function grown<Numbers extends Int32Array | Uint32Array | Uint8Array>(
  old: Numbers,
  larger: Numbers,
): Numbers {
  larger.set(old);
  return larger;
}

/** Multiply and fold (the constants of MurmurHash3): neighbouring addresses spread over the table. */
function hash(words: Uint32Array, seed: number): number {
  let mixed = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
  for (let i = 0; i < 4; i += 1) {
    mixed = Math.imul(mixed ^ (words[i] as number), 0xcc9e2d51);
    mixed ^= mixed >>> 15;
  }
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
