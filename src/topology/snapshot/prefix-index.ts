import { FOREVER, type Validity } from '../graph/validity.ts';
import { BinaryAddress, maskWord, type Prefix } from './binary-address.ts';

/** A prefix with a value, in a space and over a range of time. */
export interface PrefixEntry extends Validity {
  /** The number of a network or route table. Prefixes of different spaces are independent. */
  readonly space: number;
  readonly prefix: Prefix;
  /** 0 or more; an index into a list of the caller. */
  readonly value: number;
}

const NONE = -1;
const SLOTS_A_STEP = 4096;

/**
 * An entry is ten integers: the four words of the prefix, then these members. Times are unsigned.
 */
const ENTRY = 10;
const SPACE = 4;
const LENGTH = 5;
const FROM = 6;
const TO = 7;
const VALUE = 8;
const NEXT = 9;

/**
 * Longest-prefix matching by space and time. A lookup probes once per prefix length of the space
 * and does not allocate. The index is one hash table of integers with 40 bytes per entry, so the
 * members that a lookup compares are in one or two cache lines. With one array per member, a lookup
 * would wait for memory seven times.
 *
 * If equal prefixes are valid at one time, the one that began last applies. If they began
 * together, the one that `prefer` puts first applies.
 */
export class PrefixIndex {
  /** Whether the first value precedes the second, for entries that began together. */
  readonly #prefer: (value: number, other: number) => boolean;
  #slots = new Int32Array(1024).fill(NONE);
  #keys = 0;
  #size = 0;
  #entries = new Int32Array(512 * ENTRY);
  /** Prefix lengths, longest first: of IPv4 at index `2 * space`, of IPv6 at `2 * space + 1`. */
  readonly #lengthsOf: number[][] = [];
  /** The prefix that `#slotOf` looks for. */
  readonly #probe = new Int32Array(4);

  constructor(prefer: (value: number, other: number) => boolean = () => false) {
    this.#prefer = prefer;
  }

  get size(): number {
    return this.#size;
  }

  /** @returns the entry, for `extend` */
  add({ space, prefix, value, fromSeconds, toSeconds }: PrefixEntry): number {
    const added = this.#size * ENTRY;
    if (added === this.#entries.length) this.#growEntries();
    if (this.#keys * 2 >= this.#slots.length) this.#growSlots();
    this.#size += 1;
    this.#entries.set(prefix.address.words, added);
    this.#entries[added + SPACE] = space;
    this.#entries[added + LENGTH] = prefix.length;
    this.#entries[added + FROM] = fromSeconds;
    this.#entries[added + VALUE] = value;
    this.extend(added, toSeconds);
    this.#addLength(space * 2 + (prefix.address.isV4 ? 0 : 1), prefix.length);
    this.#link(added);
    return added;
  }

  /** Moves the end of an entry. */
  extend(entry: number, toSeconds: number): void {
    this.#entries[entry + TO] = Math.min(FOREVER, toSeconds);
  }

  /** The value of the longest prefix that contains the address at a time; -1 without one. */
  find(space: number, address: BinaryAddress, timeSeconds: number): number {
    const entry = this.#entryOf(space, address, timeSeconds);
    return entry === NONE ? NONE : this.#valueOf(entry);
  }

  /** Like `find`, but -1 when several values have that prefix at that time. */
  findOnly(space: number, address: BinaryAddress, timeSeconds: number): number {
    const entry = this.#entryOf(space, address, timeSeconds);
    if (entry === NONE) return NONE;
    const other = this.#firstValid(this.#after(entry), timeSeconds);
    const isOnly = other === NONE || this.#valueOf(other) === this.#valueOf(entry);
    return isOnly ? this.#valueOf(entry) : NONE;
  }

  /**
   * Calls back for every two entries of one prefix that overlap in time and have different values;
   * `isCurrent` means that neither has ended.
   */
  *eachOverlap(
    act: (value: number, other: number, isCurrent: boolean) => void,
  ): Generator<undefined> {
    for (const [slot, head] of this.#slots.entries()) {
      if (slot % SLOTS_A_STEP === 0) yield;
      for (let entry = head; entry !== NONE; entry = this.#after(entry)) {
        for (let other = this.#after(entry); other !== NONE; other = this.#after(other)) {
          // Entries of a key are in descending order of their beginning.
          const overlaps = this.#endOf(other) > this.#startOf(entry);
          if (!overlaps || this.#valueOf(other) === this.#valueOf(entry)) continue;
          const isCurrent = this.#endOf(entry) === FOREVER && this.#endOf(other) === FOREVER;
          act(this.#valueOf(entry), this.#valueOf(other), isCurrent);
        }
      }
    }
  }

  /** The prefix of each entry; a prefix with several entries is repeated. */
  *prefixes(): Generator<Prefix> {
    for (let entry = 0; entry < this.#size * ENTRY; entry += ENTRY) {
      const address = BinaryAddress.of(this.#entries.subarray(entry, entry + 4));
      yield { address, length: this.#member(entry, LENGTH) };
    }
  }

  /** A member of an entry, by its offset. */
  #member(entry: number, offset: number): number {
    return this.#entries[entry + offset] as number;
  }

  #startOf(entry: number): number {
    return this.#member(entry, FROM) >>> 0;
  }

  #endOf(entry: number): number {
    return this.#member(entry, TO) >>> 0;
  }

  #valueOf(entry: number): number {
    return this.#member(entry, VALUE);
  }

  #after(entry: number): number {
    return this.#member(entry, NEXT);
  }

  /** The first entry of a slot's key; NONE where the slot is free. */
  #headOf(slot: number): number {
    return this.#slots[slot] as number;
  }

  #entryOf(space: number, address: BinaryAddress, timeSeconds: number): number {
    const lengths = this.#lengthsOf[space * 2 + (address.isV4 ? 0 : 1)];
    if (lengths === undefined) return NONE;
    for (const length of lengths) {
      this.#setProbe(address, length);
      const head = this.#headOf(this.#slotOf(space, length));
      const entry = this.#firstValid(head, timeSeconds);
      if (entry !== NONE) return entry;
    }
    return NONE;
  }

  #firstValid(first: number, timeSeconds: number): number {
    let entry = first;
    while (entry !== NONE) {
      if (this.#startOf(entry) <= timeSeconds && timeSeconds < this.#endOf(entry)) return entry;
      entry = this.#after(entry);
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
    const slot = this.#slotOfEntry(added);
    let before = NONE;
    let after = this.#headOf(slot);
    if (after === NONE) this.#keys += 1;
    while (after !== NONE && this.#goesBefore(after, added)) {
      before = after;
      after = this.#after(after);
    }
    this.#entries[added + NEXT] = after;
    if (before === NONE) this.#slots[slot] = added;
    else this.#entries[before + NEXT] = added;
  }

  #goesBefore(entry: number, added: number): boolean {
    const from = this.#startOf(entry);
    const addedFrom = this.#startOf(added);
    if (from !== addedFrom) return from > addedFrom;
    return !this.#prefer(this.#valueOf(added), this.#valueOf(entry));
  }

  #setProbe(address: BinaryAddress, length: number): void {
    const probe = this.#probe;
    probe[0] = maskWord(address.word(0), length);
    probe[1] = maskWord(address.word(1), length - 32);
    probe[2] = maskWord(address.word(2), length - 64);
    probe[3] = maskWord(address.word(3), length - 96);
  }

  #slotOfEntry(entry: number): number {
    for (let i = 0; i < 4; i += 1) this.#probe[i] = this.#member(entry, i);
    return this.#slotOf(this.#member(entry, SPACE), this.#member(entry, LENGTH));
  }

  /** The slot of the key in the probe; if the key is absent, the free slot for it. */
  #slotOf(space: number, length: number): number {
    const mask = this.#slots.length - 1;
    let slot = hash(this.#probe, space * 129 + length) & mask;
    for (;;) {
      const entry = this.#headOf(slot);
      if (entry === NONE || this.#isKeyOf(entry, space, length)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #isKeyOf(entry: number, space: number, length: number): boolean {
    const entries = this.#entries;
    const probe = this.#probe;
    return (
      entries[entry + 3] === probe[3] &&
      entries[entry + SPACE] === space &&
      entries[entry + LENGTH] === length &&
      entries[entry + 2] === probe[2] &&
      entries[entry + 1] === probe[1] &&
      entries[entry] === probe[0]
    );
  }

  #growSlots(): void {
    const heads = this.#slots.filter((entry) => entry !== NONE);
    this.#slots = new Int32Array(this.#slots.length * 2).fill(NONE);
    for (const head of heads) this.#slots[this.#slotOfEntry(head)] = head;
  }

  #growEntries(): void {
    const larger = new Int32Array(this.#entries.length * 2);
    larger.set(this.#entries);
    this.#entries = larger;
  }
}

/** Multiplies and folds, with the constants of MurmurHash3, to spread neighbouring addresses. */
function hash(words: Int32Array, seed: number): number {
  let mixed = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
  for (let i = 0; i < 4; i += 1) {
    mixed = Math.imul(mixed ^ (words[i] as number), 0xcc9e2d51);
    mixed ^= mixed >>> 15;
  }
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
