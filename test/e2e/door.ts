import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { seededRandom } from '../../src/lib/testing.ts';
import { plainIndex } from '../../src/model/flow-metrics.ts';
import type { ReportIdentity } from '../../src/model/report.ts';
import { encodeReport } from '../../src/wire/otlp/encode-report.ts';
import { type Credentials, signRequest } from '../../src/wire/sigv4/sign.ts';
import { makeReport } from '../load/report-source.ts';

export interface DoorRequest {
  readonly method?: string;
  /** The request target; default `/publish`. */
  readonly target?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** A certificate to trust instead of the built-in authorities. */
  readonly ca?: string;
}

export interface DoorAnswer {
  readonly status: number;
  /** `x-amzn-ErrorType`; "" if absent. */
  readonly error: string;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** Sends exactly these headers, with a new connection per request; rejects if no answer arrives. */
export function knock(endpoint: string, door: DoorRequest): Promise<DoorAnswer> {
  const { hostname, port, protocol } = new URL(endpoint);
  const request = protocol === 'https:' ? httpsRequest : httpRequest;
  const { method = 'POST', target: path = '/publish', headers, ca } = door;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        hostname,
        port,
        method,
        path,
        headers: { ...headers },
        agent: false,
        ...(ca ? { ca } : {}),
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          resolve({
            status: incoming.statusCode ?? 0,
            error: String(incoming.headers['x-amzn-errortype'] ?? ''),
            headers: incoming.headers,
            text: Buffer.concat(chunks).toString(),
          });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(door.body);
  });
}

export interface SignOptions {
  readonly credentials: Credentials;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
  readonly target?: string;
  readonly now?: Date;
  readonly service?: string;
}

/** The headers of a signed request, by default for `/publish`. */
export function signed(body: Uint8Array, options: SignOptions): Record<string, string> {
  return signRequest({
    method: options.method ?? 'POST',
    target: options.target ?? '/publish',
    // Agents send the host without its port.
    headers: { host: '127.0.0.1', ...options.headers },
    body,
    credentials: options.credentials,
    region: 'us-east-1',
    service: options.service ?? 'networkflowmonitor',
    now: options.now ?? new Date(),
  });
}

export const REPORT_HEADERS = {
  'content-type': 'application/x-protobuf',
  'content-encoding': 'gzip',
} as const;

/** An encoded, uncompressed report. Each flow has one connect attempt, so that sums count rows. */
export function reportBytes(flows: number, identity?: ReportIdentity): Buffer {
  const random = seededRandom(flows);
  const timeMillis = Date.now();
  const report = makeReport({ host: 1, flows, timeMillis, random, identity });
  for (const { values } of report.flows) values[plainIndex('connect_attempts')] = 1;
  return Buffer.from(encodeReport(report));
}

/** The values of a metric by its printed labels, `""` for none. */
export async function metricsOf(endpoint: string, name: string): Promise<Map<string, number>> {
  const { text } = await knock(endpoint, { method: 'GET', target: '/metrics', headers: {} });
  const found = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (match?.[1] === name) found.set(match[2] ?? '', Number(match[3]));
  }
  return found;
}
