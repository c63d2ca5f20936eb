import { expect, test } from 'vitest';
import { LEFT_IN_TABLE, RECORD_BYTES, SEVERED_CONNECT } from './record-layout.ts';
import { DETAILS_LENGTH } from './socket-details.ts';
import { SocketRecord } from './socket-record.ts';
import { type SocketRecordFields, writeRecord } from './write-record.ts';

const JIFFY_MICROS = 4_000;

/** A different value in every field. */
const FIELDS = {
  cookie: 2 ** 40 + 1,
  startedNanos: 2 ** 41 + 2,
  bytesReceived: 2 ** 42 + 3,
  bytesAcked: 2 ** 43 + 4,
  localAddress: Uint8Array.from({ length: 16 }, (_, i) => i + 1),
  remoteAddress: Uint8Array.from({ length: 16 }, (_, i) => i + 17),
  changes: 33,
  segmentsIn: 34,
  segmentsOut: 35,
  retrans: [36, 37, 38],
  rtos: [39, 40, 41],
  connectMicros: 42,
  localPort: 43,
  remotePort: 44,
  isServer: true,
  state: 45,
  ending: SEVERED_CONNECT | LEFT_IN_TABLE,
  isAdopted: true,
  details: Float64Array.from({ length: DETAILS_LENGTH }, (_, i) => (i + 9) * JIFFY_MICROS),
  cgroupId: 2 ** 44 + 46,
  processName: 'curl',
  roundTrips: [
    {
      epoch: 47,
      rtt: { count: 48, min: 49, max: 50, sum: 2 ** 45 + 51 },
      smoothed: { count: 48, min: 52, max: 53, sum: 2 ** 46 + 54 },
    },
    {
      epoch: 48,
      rtt: { count: 55, min: 56, max: 57, sum: 58 },
      smoothed: { count: 55, min: 59, max: 60, sum: 61 },
    },
  ],
} as const satisfies SocketRecordFields;

test('every field of a record is read from where the layout has it', () => {
  const { roundTrips, retrans, rtos, details, ...fields } = FIELDS;
  const view = new DataView(new ArrayBuffer(RECORD_BYTES));
  // Busy time includes the times of both limits.
  const busy = Float64Array.from(details, (value) => value);
  busy[1] = (details[1] ?? 0) + (details[2] ?? 0) + (details[3] ?? 0);
  writeRecord(view, { ...FIELDS, details: busy }, JIFFY_MICROS);
  const record = new SocketRecord(JIFFY_MICROS);
  record.view = view;
  for (const [name, value] of Object.entries(fields)) {
    expect({ name, value: record[name as keyof SocketRecord] }).toEqual({ name, value });
  }
  expect([record.retrans(0), record.retrans(1), record.retrans(2)]).toEqual(retrans);
  expect([record.rtos(0), record.rtos(1), record.rtos(2)]).toEqual(rtos);
  expect(record.details).toEqual(busy);
  for (const { epoch, ...trips } of roundTrips) expect(record.roundTrips(epoch)).toEqual(trips);
  expect(record.roundTrips(46)).toBe(undefined);
  expect(record.isLeftInTable).toBe(true);
});

test('the key of a flow is its addresses, its side and the service port of either side', () => {
  const keyOf = (fields: SocketRecordFields): readonly number[] => {
    const record = new SocketRecord(JIFFY_MICROS);
    writeRecord(record.view, fields, JIFFY_MICROS);
    const key = new Uint32Array(9);
    record.readFlowKey(key);
    return [...key];
  };
  const server = keyOf(FIELDS);
  expect(server[8]).toBe((1 << 16) | FIELDS.localPort);
  expect(keyOf({ ...FIELDS, remotePort: 9 })).toEqual(server);
  expect(keyOf({ ...FIELDS, isServer: false })[8]).toBe(FIELDS.remotePort);
  expect(Buffer.from(Uint32Array.from(server.slice(0, 8)).buffer)).toEqual(
    Buffer.concat([FIELDS.localAddress, FIELDS.remoteAddress]),
  );
});
