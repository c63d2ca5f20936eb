import { beforeEach, expect, test } from 'vitest';
import { RECORD_BYTES } from './record-layout.ts';
import { SocketSlots } from './socket-slots.ts';

const PAGE = 4_096;
const SLOTS = 8_192;
const CLAIMS_WORD = 16;

const memory = new ArrayBuffer(SLOTS * RECORD_BYTES);
const bits = new ArrayBuffer(PAGE);
const words = new Int32Array(memory);
const closedBits = new Int32Array(bits);
let slots: SocketSlots;

/** Takes a slot as the kernel does when a connection begins. */
function begin(cookie: bigint): number {
  const first = (Number(cookie & BigInt(SLOTS - 1)) * RECORD_BYTES) / 4;
  words[first + CLAIMS_WORD] = (words[first + CLAIMS_WORD] ?? 0) + 1;
  new DataView(memory).setBigUint64(first * 4, cookie, true);
  return first;
}

function close(cookie: bigint): void {
  const slot = Number(cookie & BigInt(SLOTS - 1));
  closedBits[slot >> 5] = (closedBits[slot >> 5] ?? 0) + (1 << (slot & 31));
}

function cookiesOf(visitAll: (visit: (view: DataView, at: number) => void) => void): bigint[] {
  const cookies: bigint[] = [];
  visitAll((view, at) => cookies.push(view.getBigUint64(at, true)));
  return cookies;
}

beforeEach(() => {
  words.fill(0);
  closedBits.fill(0);
  slots = new SocketSlots(
    {
      pageBytes: () => PAGE,
      mapMemory: (fd) => (fd === 3 ? memory : bits),
      errno: () => 0,
    },
    { slots: 3, closedSlots: 4 },
  );
});

test('every connection with a slot is read, closed ones too', () => {
  const cookies = [1n, 31n, 32n, 8_191n, 8_192n, 0x5_0000_0007n];
  for (const cookie of cookies) begin(cookie);
  close(31n);
  const read = cookiesOf((visit) => slots.read(visit));
  expect(read.toSorted(bySize)).toEqual(cookies.toSorted(bySize));
});

test('a slot is claimed while its record is copied, and only then', () => {
  const first = begin(7n);
  // A connection that has claimed its slot and not yet written its cookie.
  words[first + RECORD_BYTES / 4 + CLAIMS_WORD] = 1;
  expect(cookiesOf((visit) => slots.read(visit))).toEqual([7n]);
  expect(words[first + CLAIMS_WORD]).toBe(1);
  expect(words[first + RECORD_BYTES / 4 + CLAIMS_WORD]).toBe(1);
});

test('a closed connection is visited once, and its slot is freed', () => {
  const all = [31n, 32n, 33n, 63n, 8_191n, 0x5_0000_0000n];
  for (const cookie of [...all, 8n]) begin(cookie);
  for (const cookie of all) close(cookie);
  expect(cookiesOf((visit) => slots.takeClosed(visit)).toSorted(bySize)).toEqual(all);
  expect(cookiesOf((visit) => slots.takeClosed(visit))).toEqual([]);
  expect(cookiesOf((visit) => slots.read(visit))).toEqual([8n]);
  expect(words.filter((word, i) => word !== 0 && i % (RECORD_BYTES / 4) === CLAIMS_WORD)).toEqual(
    Int32Array.of(1),
  );
});

test('the fill is 1 when half of the slots or more have closed', () => {
  for (let cookie = 1n; cookie <= 1_024n; cookie += 1n) {
    begin(cookie);
    close(cookie);
  }
  expect(slots.takeClosed(() => {})).toBe(1 / 4);
  for (let cookie = 0n; cookie < 8_192n; cookie += 1n) {
    begin(cookie + 8_192n);
    close(cookie);
  }
  expect(slots.takeClosed(() => {})).toBe(1);
});

function bySize(a: bigint, b: bigint): number {
  return Number(a - b);
}
