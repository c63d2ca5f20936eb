import { beforeEach, expect, test } from 'vitest';
import { RECORD_BYTES } from './record-layout.ts';
import { SocketPlaces } from './socket-places.ts';

const PAGE = 4_096;
const PLACES = 8_192;
const CLAIMS_WORD = 16;

const memory = new ArrayBuffer(PLACES * RECORD_BYTES);
const bits = new ArrayBuffer(PAGE);
const words = new Int32Array(memory);
const closedBits = new Int32Array(bits);
let places: SocketPlaces;

/** The kernel's side: a connection begins, and closes. */
function begin(cookie: bigint): number {
  const first = (Number(cookie & BigInt(PLACES - 1)) * RECORD_BYTES) / 4;
  words[first + CLAIMS_WORD] = (words[first + CLAIMS_WORD] ?? 0) + 1;
  new DataView(memory).setBigUint64(first * 4, cookie, true);
  return first;
}

function close(cookie: bigint): void {
  const place = Number(cookie & BigInt(PLACES - 1));
  closedBits[place >> 5] = (closedBits[place >> 5] ?? 0) + (1 << (place & 31));
}

function cookiesOf(visitAll: (visit: (view: DataView, at: number) => void) => void): bigint[] {
  const cookies: bigint[] = [];
  visitAll((view, at) => cookies.push(view.getBigUint64(at, true)));
  return cookies;
}

beforeEach(() => {
  words.fill(0);
  closedBits.fill(0);
  places = new SocketPlaces(
    {
      pageBytes: () => PAGE,
      mapMemory: (fd) => (fd === 3 ? memory : bits),
      errno: () => 0,
    },
    { places: 3, closedPlaces: 4 },
  );
});

test('every connection with a place is read, those that closed as well', () => {
  const cookies = [1n, 31n, 32n, 8_191n, 8_192n, 0x5_0000_0007n];
  for (const cookie of cookies) begin(cookie);
  close(31n);
  const read = cookiesOf((visit) => places.read(visit));
  expect(read.toSorted(bySize)).toEqual(cookies.toSorted(bySize));
});

test('a place is claimed while its record is copied, and only then', () => {
  const first = begin(7n);
  // A connection that began to write its record and has not said whose it is.
  words[first + RECORD_BYTES / 4 + CLAIMS_WORD] = 1;
  expect(cookiesOf((visit) => places.read(visit))).toEqual([7n]);
  expect(words[first + CLAIMS_WORD]).toBe(1);
  expect(words[first + RECORD_BYTES / 4 + CLAIMS_WORD]).toBe(1);
});

test('who has closed is told once, and gives its place up', () => {
  const all = [31n, 32n, 33n, 63n, 8_191n, 0x5_0000_0000n];
  for (const cookie of [...all, 8n]) begin(cookie);
  for (const cookie of all) close(cookie);
  expect(cookiesOf((visit) => places.takeClosed(visit)).toSorted(bySize)).toEqual(all);
  expect(cookiesOf((visit) => places.takeClosed(visit))).toEqual([]);
  expect(cookiesOf((visit) => places.read(visit))).toEqual([8n]);
  expect(words.filter((word, i) => word !== 0 && i % (RECORD_BYTES / 4) === CLAIMS_WORD)).toEqual(
    Int32Array.of(1),
  );
});

test('it is full when half of the places wait to be read, and never says others wait elsewhere', () => {
  for (let cookie = 1n; cookie <= 1_024n; cookie += 1n) {
    begin(cookie);
    close(cookie);
  }
  expect(places.takeClosed(() => {})).toBe(1 / 4);
  for (let cookie = 0n; cookie < 8_192n; cookie += 1n) {
    begin(cookie + 8_192n);
    close(cookie);
  }
  const fill = places.takeClosed(() => {});
  expect(fill).toBeGreaterThan(0.9);
  expect(fill).toBeLessThan(1);
});

function bySize(a: bigint, b: bigint): number {
  return Number(a - b);
}
