import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { seededRandom } from '../../lib/testing.ts';
import { addressText } from '../../model/address.ts';
import { type ConntrackEntry, readConntrack, type Tuple } from './conntrack-message.ts';
import { type DiagSocket, readDiag } from './diag-message.ts';
import { detailIndex } from './socket-details.ts';

const capture = (name: string): Buffer =>
  readFileSync(join(import.meta.dirname, '../../../test/fixtures/netlink', name));

function socketsOf(bytes: Buffer): readonly DiagSocket[] {
  const sockets: DiagSocket[] = [];
  readDiag(bytes, (socket) => sockets.push(socket));
  return sockets;
}

const ends = ({ localAddress, localPort, remoteAddress, remotePort }: DiagSocket) =>
  `${addressText(localAddress)} ${localPort} ${addressText(remoteAddress)} ${remotePort}`;

test.each([
  { name: 'tcp4-connections.bin', service: /10\.9\.9\.(1 9000|9 80)/ },
  { name: 'tcp6-connections.bin', service: /::1 9001/ },
])('$name: both ends of a connection have their counters', ({ name, service }) => {
  const sockets = socketsOf(capture(name));
  expect(sockets.length).toBeGreaterThanOrEqual(2);
  for (const socket of sockets) {
    expect(ends(socket)).toMatch(service);
    expect(socket.state).toBe(1);
    expect(socket.cookie).toBeGreaterThan(0);
    expect(socket.info?.details[detailIndex('min_rtt_us')]).toBeGreaterThan(0);
  }
  // One end had sent "x" and received nothing; the other had received the "x".
  expect(sockets.map(({ info }) => info?.bytesReceived).sort()).toEqual([0, 1]);
});

test('listeners have a port and no counters', () => {
  expect(
    socketsOf(capture('tcp4-listeners.bin')).map(({ localPort, info }) => [localPort, info]),
  ).toEqual([[9000, undefined]]);
});

test('the ends of connections have their counters, and are closed', () => {
  const sockets = socketsOf(capture('tcp-ends.bin'));
  expect(sockets.length).toBeGreaterThanOrEqual(2);
  for (const socket of sockets) {
    expect(ends(socket)).toMatch(/10\.9\.9\.(1 9000|9 80)|::1 9001/);
    expect(socket.state).toBe(7);
  }
  // Both ends received "x". One also received the FIN, which counts as a byte.
  expect(new Set(sockets.map(({ info }) => info?.bytesReceived))).toEqual(new Set([1, 2]));
});

test('an event of a new conntrack entry is parsed as an entry of a dump', () => {
  const entries: string[] = [];
  readConntrack(capture('conntrack-events.bin'), ({ original, reply }: ConntrackEntry) => {
    entries.push(`${addressText(original.destination)} ${addressText(reply.source)}`);
  });
  expect(entries).toEqual(['10.9.9.9 10.9.9.1']);
});

test('a conntrack entry has the addresses and ports of both directions', () => {
  const text = ({ source, sourcePort, destination, destinationPort }: Tuple) =>
    `${addressText(source)} ${sourcePort && 'any'} ${addressText(destination)} ${destinationPort}`;
  const entries: string[] = [];
  readConntrack(capture('conntrack.bin'), ({ original, reply }: ConntrackEntry) => {
    entries.push(text(original), `${addressText(reply.source)} ${reply.sourcePort}`);
  });
  expect(entries).toContain('10.9.9.1 any 10.9.9.9 80');
  expect(entries).toContain('10.9.9.1 9000');
});

const INTERESTING = [0, 1, 3, 4, 0x7f, 0x80, 0xff];

/** Changes, cuts or doubles bytes at a few positions. */
function mutate(original: Buffer, draw: (below: number) => number): Buffer {
  const bytes = Buffer.from(original);
  for (let changes = 1 + draw(6); changes > 0; changes -= 1) {
    bytes[draw(bytes.length)] = draw(3) === 0 ? draw(256) : (INTERESTING[draw(7)] ?? 0);
  }
  if (draw(3) === 0) return bytes.subarray(0, draw(bytes.length));
  return draw(4) === 0 ? Buffer.concat([bytes, bytes.subarray(draw(bytes.length))]) : bytes;
}

test.each([
  { name: 'tcp4-connections.bin', read: readDiag },
  { name: 'tcp6-connections.bin', read: readDiag },
  { name: 'tcp4-listeners.bin', read: readDiag },
  { name: 'conntrack.bin', read: readConntrack },
  { name: 'tcp-ends.bin', read: readDiag },
  { name: 'conntrack-events.bin', read: readConntrack },
  { name: 'conntrack.bin', read: readDiag },
  { name: 'tcp4-connections.bin', read: readConntrack },
])('20,000 mutations of $name are read to an end, none beyond its bytes', ({ name, read }) => {
  const original = capture(name);
  const random = seededRandom(20_261_125);
  const draw = (below: number) => Math.floor(random() * below);
  const outcomes = new Set<string>();
  for (let i = 0; i < 20_000; i += 1) {
    // A separate buffer, so that reading past its end throws.
    const bytes = Buffer.from(Uint8Array.from(mutate(original, draw)).buffer);
    let visits = 0;
    outcomes.add(read(bytes, () => (visits += 1)));
    expect(visits).toBeLessThanOrEqual(bytes.length / 16);
  }
  expect(outcomes).toContain('malformed');
});
