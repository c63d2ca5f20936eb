import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { PbfWriter } from 'pbf';
import { afterEach, expect, test } from 'vitest';
import { ServerProcess } from '../../src/lab/server-process.ts';
import {
  ANY_VALUE,
  EXPORT_REQUEST,
  HISTOGRAM,
  HISTOGRAM_DATA_POINT,
  KEY_VALUE,
  METRIC,
  RESOURCE_METRICS,
  SCOPE,
  SCOPE_METRICS,
} from '../../src/wire/otlp/fields.ts';
import { countRows } from './count-rows.ts';
import { knock, REPORT_HEADERS, signed } from './door.ts';

/** The maximum that the decoder accepts from one report. */
const FLOWS = 100_000;
const REPORTS = 10;
/** All of them in one batch would take 2 GB. */
const MAX_RESIDENT_KIB = 1.5 * 1024 * 1024;
/** Protobuf wire type of fixed64. */
const FIXED64 = 1;

let server: ServerProcess;
afterEach(() => server.dispose());

test('small reports of 100,000 flows are stored within bounded memory, also after a crash', async () => {
  server = await ServerProcess.start({ flags: ['--query-max-memory-mib', '256'] });
  const credentials = await server.credentials('agent');
  const body = gzipSync(slimReport(FLOWS));
  for (let i = 0; i < REPORTS; i += 1) {
    const headers = { ...REPORT_HEADERS, 'x-nfm-attempt': String(i) };
    const request = { headers: signed(body, { credentials, headers }), body };
    expect(await knock(server.endpoint, request)).toMatchObject({ status: 200 });
  }
  const before = peakKib(server.pid);
  await server.kill();
  await server.restart();
  await server.waitUntilStored();
  expect(Math.max(before, peakKib(server.pid))).toBeLessThan(MAX_RESIDENT_KIB);
  await server.stop();
  expect((await countRows(server.data)).rows).toBe(REPORTS * FLOWS);
});

/** The most memory that the process has had resident (proc(5), VmHWM). */
function peakKib(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** The smallest report of so many flows: the addresses, the port and the time of one metric. */
function slimReport(flows: number): Uint8Array {
  const pbf = new PbfWriter();
  const timeUnixNano = BigInt(Date.now()) * 1_000_000n;
  const writeFlow = (port: number, scope: PbfWriter) => {
    const attributes = { protocol: 'TCP', local_address: '10.0.0.1', remote_address: '10.0.0.2' };
    scope.writeMessage(
      SCOPE_METRICS.scope,
      (_, inner) => {
        inner.writeStringField(SCOPE.name, 'network_stats');
        for (const [key, value] of Object.entries(attributes)) writeAttribute(inner, key, value);
        writeAttribute(inner, 'remote_port', 1 + (port % 60_000));
      },
      port,
    );
    scope.writeMessage(SCOPE_METRICS.metrics, writeTime, timeUnixNano);
  };
  pbf.writeMessage(
    EXPORT_REQUEST.resourceMetrics,
    (_, resource) => {
      for (let i = 0; i < flows; i += 1)
        resource.writeMessage(RESOURCE_METRICS.scopeMetrics, writeFlow, i);
    },
    flows,
  );
  return pbf.finish();
}

function writeTime(timeUnixNano: bigint, metric: PbfWriter): void {
  metric.writeStringField(METRIC.name, 'bytes_received');
  metric.writeMessage(
    METRIC.histogram,
    (_, histogram) => {
      histogram.writeMessage(
        HISTOGRAM.dataPoints,
        (time, point) => {
          point.writeTag(HISTOGRAM_DATA_POINT.timeUnixNano, FIXED64);
          point.writeFixed32(Number(time & 0xffff_ffffn));
          point.writeFixed32(Number(time >> 32n));
        },
        timeUnixNano,
      );
    },
    timeUnixNano,
  );
}

function writeAttribute(scope: PbfWriter, key: string, value: string | number): void {
  scope.writeMessage(
    SCOPE.attributes,
    (_, pair) => {
      pair.writeStringField(KEY_VALUE.key, key);
      pair.writeMessage(
        KEY_VALUE.value,
        (given, any) => {
          if (typeof given === 'string') any.writeStringField(ANY_VALUE.stringValue, given);
          else any.writeVarintField(ANY_VALUE.intValue, given);
        },
        value,
      );
    },
    key,
  );
}
