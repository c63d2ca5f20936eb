import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { SERVICE } from '../contract/operations.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { type Credentials, signRequest } from '../wire/sigv4/sign.ts';
import { ConnectionError } from './service-error.ts';
import type { Transport, TransportRequest, TransportResponse } from './transport.ts';

/** 500 rows of a monitor take about 0.5 MB. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export interface SignedTransportOptions {
  /** For example `http://127.0.0.1:8130`. A path in it becomes the prefix of every target. */
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: Credentials | (() => Promise<Credentials>);
  /** Maximum time without data from the server; default 60 s. */
  readonly timeoutMillis?: number | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * Signs each request (SigV4) and sends it with node:http(s), which does not change the target;
 * `fetch` would resolve dot segments after signing. Keeps connections alive, but they do not keep
 * the process alive. Rejects with ConnectionError if no response arrives.
 */
export function signedTransport(options: SignedTransportOptions): Transport {
  const endpoint = new URL(options.endpoint);
  const { credentials, clock = systemClock } = options;
  const provide = typeof credentials === 'function' ? credentials : async () => credentials;
  const secure = endpoint.protocol === 'https:';
  const agent = secure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  const prefix = endpoint.pathname.replace(/\/$/, '');
  const timeoutMillis = options.timeoutMillis ?? 60_000;
  return {
    async send(request) {
      const target = prefix + request.target;
      const body = Buffer.from(request.body);
      const headers = signRequest({
        method: request.method,
        target,
        headers: { ...request.headers, host: endpoint.host },
        body,
        credentials: await provide(),
        region: options.region,
        service: SERVICE.signingName,
        now: new Date(clock.now()),
      });
      const send = secure ? requestHttps : requestHttp;
      return exchange({ endpoint, request, body, timeoutMillis }, (handle) =>
        send(
          {
            agent,
            hostname: endpoint.hostname.replace(/^\[|\]$/g, ''),
            port: endpoint.port,
            method: request.method,
            path: target,
            headers: { ...headers, 'content-length': String(body.length) },
            signal: request.signal,
          },
          handle,
        ),
      );
    },
  };
}

interface Exchange {
  readonly endpoint: URL;
  readonly request: TransportRequest;
  readonly body: Uint8Array;
  readonly timeoutMillis: number;
}

type Open = (handle: (response: IncomingMessage) => void) => ReturnType<typeof requestHttp>;

function exchange(work: Exchange, open: Open): Promise<TransportResponse> {
  const { endpoint, body, timeoutMillis } = work;
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) =>
      reject(new ConnectionError(`cannot reach ${endpoint.origin}: ${reasonOf(cause)}`, { cause }));
    const sent = open((response) => {
      readAnswer(response).then(resolve, fail);
    });
    sent.setTimeout(timeoutMillis, () =>
      sent.destroy(new Error(`no answer within ${timeoutMillis / 1000} s`)),
    );
    sent.on('error', fail);
    sent.end(body);
  });
}

async function readAnswer(response: IncomingMessage): Promise<TransportResponse> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw new Error(`the response exceeds ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  const headers = Object.entries(response.headersDistinct).map(
    ([name, values]) => [name, (values ?? []).join(', ')] as const,
  );
  return {
    status: response.statusCode ?? 0,
    headers: Object.fromEntries(headers),
    body: Buffer.concat(chunks).toString(),
  };
}

/** If a name with two addresses refuses connections, Node throws an AggregateError without text. */
function reasonOf(cause: Error): string {
  const code = 'code' in cause ? String(cause.code) : '';
  if (code === 'ECONNREFUSED') return 'connection refused';
  return cause.message === '' ? code : cause.message;
}
