import { randomInt } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DecodedReport, decodeAccepted } from '../../src/decode/decode-accepted.ts';
import { ServerProcess } from '../../src/lab/server-process.ts';
import { seededRandom } from '../../src/lib/testing.ts';
import type { AcceptedReport } from '../../src/model/accepted-report.ts';
import { addressScope, canonicalAddress } from '../../src/model/address.ts';
import { isOptionalPlain, WIDEST_VALUES } from '../../src/model/flow-metrics.ts';
import { MalformedError } from '../../src/wire/otlp/cursor.ts';
import { encodeReport } from '../../src/wire/otlp/encode-report.ts';
import { Poster } from '../load/poster.ts';
import { makeReport } from '../load/report-source.ts';
import { knock, metricsOf, REPORT_HEADERS, reportBytes, signed } from './door.ts';
import { mutate } from './mutate.ts';

const SEED = Number(process.env.NFM_FUZZ_SEED ?? randomInt(2 ** 31));
const DECODED = 20_000;
const POSTED = 10_000;
const CONNECTIONS = 8;
const RETENTION_SECONDS = 7 * 86_400;
/** Far longer than it takes to decode a report with a few flows. */
const HANG_MILLIS = 10_000;

const random = seededRandom(SEED);
const seedText = `NFM_FUZZ_SEED=${SEED} repeats it`;

/**
 * Reports of 0 to 7 flows, some with a remainder. Without a run id, none is a duplicate of another.
 */
const REPORTS: readonly Buffer[] = Array.from({ length: 64 }, (_, host) => {
  const report = makeReport({ host, flows: host % 8, timeMillis: Date.now(), random });
  const cut = { side: 'server', hint: 'private', flows: host } as const;
  const remainders = report.flows.slice(0, host % 3).map(({ values }) => ({ ...cut, values }));
  return Buffer.from(encodeReport({ ...report, remainders }));
});

const pick = (): Buffer => REPORTS[Math.floor(random() * REPORTS.length)] as Buffer;
const mutated = (): Buffer => mutate(pick(), random, pick());

function acceptedOf(body: Buffer): AcceptedReport {
  const now = Date.now();
  return {
    owner: { account: '000000000000', region: 'us-east-1' },
    receivedAtMillis: now,
    signedAtMillis: now,
    encoding: 'identity',
    signature: '0'.repeat(64),
    body,
  };
}

/** Undefined if the outer frames are malformed; the publish endpoint rejects such a report. */
function decode(body: Buffer): DecodedReport | undefined {
  try {
    return decodeAccepted(acceptedOf(body), body, { retentionSeconds: RETENTION_SECONDS });
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

/** A metric that a report may leave out is NaN here and NULL in the store. */
function isStorable(value: number, index: number): boolean {
  if (Number.isNaN(value)) return isOptionalPlain(index);
  return Number.isInteger(value) && value <= (WIDEST_VALUES[index] ?? 0);
}

/** Checks the assumptions of the store. */
function expectStorable({ flows, remainders, timeSeconds, refused }: DecodedReport): void {
  for (const { localAddress, remoteAddress, servicePort } of flows) {
    for (const address of [localAddress, remoteAddress]) {
      expect(canonicalAddress(address)).toBe(address);
      expect(['multicast', 'unspecified']).not.toContain(addressScope(address));
    }
    expect(servicePort).toSatisfy((port: number) => port >= 1 && port <= 65_535);
    expect(timeSeconds).toSatisfy((time: number) => time > 0 && time < 2 ** 32);
  }
  for (const { values } of [...flows, ...remainders]) expect(values.every(isStorable)).toBe(true);
  for (const count of refused.values()) expect(count).toBeGreaterThan(0);
}

test(`each of ${DECODED} mutated reports is rejected or decoded to storable rows`, () => {
  const outcomes = { read: 0, refused: 0 };
  let slowestMillis = 0;
  for (let i = 0; i < DECODED; i += 1) {
    const body = mutated();
    const started = performance.now();
    try {
      const report = decode(body);
      if (report !== undefined) expectStorable(report);
      outcomes[report === undefined ? 'refused' : 'read'] += 1;
    } catch (cause) {
      throw new Error(`report ${i} (${seedText}): ${body.toString('base64')}`, { cause });
    }
    slowestMillis = Math.max(slowestMillis, performance.now() - started);
  }
  expect(slowestMillis, seedText).toBeLessThan(HANG_MILLIS);
  // More than 5% of the mutations must break a report, and more than 5% must not. Otherwise the
  // test proves little.
  expect(Math.min(outcomes.read, outcomes.refused), seedText).toBeGreaterThan(DECODED / 20);
  console.log(`seed ${SEED}: ${outcomes.read} decoded, ${outcomes.refused} refused`);
});

let server: ServerProcess;
beforeAll(async () => {
  server = await ServerProcess.start();
});
afterAll(() => server?.dispose());

interface Tally {
  readonly statuses: Map<number, number>;
  flows: number;
  remainders: number;
  readonly refused: Map<string, number>;
}

function count<Key>(counts: Map<Key, number>, key: Key, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

/** A body to post, and its inflated report if it can be inflated. */
function makeBody(): { readonly body: Buffer; readonly inflated: Buffer | undefined } {
  if (random() < 0.5) {
    const inflated = mutated();
    return { body: gzipSync(inflated, { level: 1 }), inflated };
  }
  const body = mutate(gzipSync(pick(), { level: 1 }), random, gzipSync(pick(), { level: 1 }));
  try {
    return { body, inflated: gunzipSync(body) };
  } catch {
    return { body, inflated: undefined };
  }
}

async function postOne(poster: Poster, number: number, tally: Tally): Promise<void> {
  const { body, inflated } = makeBody();
  // A distinct header: equal bodies signed in one second would be the same request.
  const timeout = AbortSignal.timeout(HANG_MILLIS);
  const hung = new Promise<never>((_, reject) => {
    timeout.addEventListener('abort', () => reject(new Error('no answer')));
  });
  const answer = await Promise.race([poster.post(body, { 'x-nfm-report': String(number) }), hung]);
  const report = inflated === undefined ? undefined : decode(inflated);
  const context = `body ${number} (${seedText}): ${answer.body} ${body.toString('base64')}`;
  expect(answer.status, context).toBe(report === undefined ? 400 : 200);
  count(tally.statuses, answer.status);
  tally.flows += report?.flows.length ?? 0;
  tally.remainders += report?.remainders.length ?? 0;
  for (const [reason, refused] of report?.refused ?? []) count(tally.refused, reason, refused);
}

test(`each of ${POSTED} mutated bodies is answered and counted, and the flows of accepted ones are stored or rejected with a reason`, async () => {
  const { endpoint, pid } = server;
  const credentials = await server.credentials('agent');
  const poster = new Poster({
    endpoint,
    credentials,
    region: 'us-east-1',
    connections: CONNECTIONS,
  });
  const tally: Tally = { statuses: new Map(), flows: 0, remainders: 0, refused: new Map() };
  let next = 0;
  const connection = async () => {
    while (next < POSTED) {
      next += 1;
      await postOne(poster, next, tally);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, connection)).finally(() => poster.close());

  await server.waitUntilStored();
  const accepted = tally.statuses.get(200) ?? 0;
  const refused = tally.statuses.get(400) ?? 0;
  expect(accepted + refused).toBe(POSTED);
  expect(Math.min(accepted, refused), seedText).toBeGreaterThan(POSTED / 20);
  expect(await server.metric('nfm_publish_accepted_total'), seedText).toBe(accepted);
  expect(await server.metric('nfm_publish_duplicates_total')).toBe(0);
  expect(await metricsOf(endpoint, 'nfm_publish_refused_total')).toEqual(
    new Map([['error="SerializationException"', refused]]),
  );
  // The server's counts equal those of decoding each report here.
  expect(await server.metric('nfm_decode_flows_total'), seedText).toBe(tally.flows);
  const rows = tally.flows + tally.remainders;
  expect(await server.metric('nfm_flow_rows_stored_total'), seedText).toBe(rows);
  expect(await server.metric('nfm_decode_unreadable_reports_total'), seedText).toBe(0);
  const reasons = await metricsOf(endpoint, 'nfm_decode_refused_flows_total');
  const expected = [...tally.refused].map(([reason, by]) => [`reason="${reason}"`, by] as const);
  expect(reasons, seedText).toEqual(new Map(expected));

  const body = gzipSync(reportBytes(1));
  const headers = signed(body, { credentials, headers: REPORT_HEADERS });
  expect((await knock(endpoint, { headers, body })).status).toBe(200);
  expect(server.pid).toBe(pid);
  console.log(
    `seed ${SEED}: ${accepted} accepted, ${refused} refused, ${tally.flows} flows and ${tally.remainders} remainders stored`,
  );
});
