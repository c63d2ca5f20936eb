/** A reproducible sequence, uniform in [0, 1). */
type Random = () => number;

const below = (random: Random, limit: number): number => Math.floor(random() * limit);

type Mutation = (bytes: Buffer, random: Random, other: Buffer) => Buffer;

const flipBits: Mutation = (bytes, random) => {
  for (let flips = 1 + below(random, 8); flips > 0; flips -= 1) {
    const at = below(random, bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << below(random, 8));
  }
  return bytes;
};

const setBytes: Mutation = (bytes, random) => {
  const interesting = [0x00, 0x01, 0x7f, 0x80, 0xff];
  for (let sets = 1 + below(random, 4); sets > 0; sets -= 1) {
    bytes[below(random, bytes.length)] = interesting[below(random, interesting.length)] ?? 0;
  }
  return bytes;
};

const cut: Mutation = (bytes, random) => bytes.subarray(0, below(random, bytes.length));

const remove: Mutation = (bytes, random) => {
  const at = below(random, bytes.length);
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(random, 64))]);
};

const repeat: Mutation = (bytes, random) => {
  const at = below(random, bytes.length);
  const part = bytes.subarray(at, at + 1 + below(random, 512));
  return Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at)]);
};

const splice: Mutation = (bytes, random, other) =>
  Buffer.concat([
    bytes.subarray(0, below(random, bytes.length)),
    other.subarray(below(random, other.length)),
  ]);

/** Writes a varint of up to eleven bytes; the maximum is ten. */
const hugeVarint: Mutation = (bytes, random) => {
  const varint = Buffer.alloc(1 + below(random, 11), 0xff);
  varint[varint.length - 1] = below(random, 128);
  const at = below(random, bytes.length);
  return Buffer.concat([bytes.subarray(0, at), varint, bytes.subarray(at + varint.length)]);
};

/** Changes the length after the tag of a message or string. */
const lieAboutLength: Mutation = (bytes, random) => {
  const from = below(random, bytes.length);
  for (let at = from; at + 1 < bytes.length; at += 1) {
    if (((bytes[at] ?? 0) & 7) !== 2) continue;
    bytes[at + 1] = below(random, 256);
    break;
  }
  return bytes;
};

const MUTATIONS = [
  flipBits,
  setBytes,
  cut,
  remove,
  repeat,
  splice,
  hugeVarint,
  lieAboutLength,
] as const;

/** A copy of the bytes with one to three mutations; `other` is the source for splicing. */
export function mutate(bytes: Buffer, random: Random, other: Buffer): Buffer {
  let mutated = Buffer.from(bytes);
  for (let rounds = 1 + below(random, 3); rounds > 0 && mutated.length > 0; rounds -= 1) {
    const mutation = MUTATIONS[below(random, MUTATIONS.length)] ?? flipBits;
    mutated = Buffer.from(mutation(mutated, random, other));
  }
  return mutated;
}
