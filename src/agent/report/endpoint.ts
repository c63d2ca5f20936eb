import { Agent as HttpAgent, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { Clock } from '../../lib/clock.ts';
import { type Credentials, signRequest } from '../../wire/sigv4/sign.ts';
import type { CredentialProvider } from './credentials.ts';

const SERVICE = 'networkflowmonitor';

/** The existing agent's. */
const TIMEOUT_MILLIS = 20_000;

/** Of an answer that is not 200, so much is kept for the log. */
const MOST_ANSWER_BYTES = 1_024;

export interface EndpointDeps {
  /** The whole URL, with its path. */
  readonly url: URL;
  readonly region: string;
  readonly credentials: CredentialProvider;
  readonly clock: Clock;
}

export interface EncodedReport {
  readonly bytes: Uint8Array;
  readonly isGzip: boolean;
}

/**
 * `refused` is for good: the same bytes will not be taken later. `forbidden` is about who sends it:
 * keys that are missing, wrong or without the right. `failed` may pass.
 */
export type PostResult =
  | { readonly status: 'accepted' }
  | { readonly status: 'refused' | 'forbidden' | 'failed'; readonly reason: string };

/** Where reports are posted: signed with SigV4 at each attempt, over one kept connection. */
export class Endpoint {
  readonly #deps: EndpointDeps;
  readonly #agent: HttpAgent | HttpsAgent;

  constructor(deps: EndpointDeps) {
    this.#deps = deps;
    const options = { keepAlive: true, maxSockets: 1 };
    this.#agent = deps.url.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
  }

  /** Posts a report. Never throws: an unreachable server is an expected outcome. */
  async post(report: EncodedReport, signal: AbortSignal): Promise<PostResult> {
    let credentials: Credentials;
    try {
      credentials = await this.#deps.credentials();
    } catch (error) {
      return { status: 'forbidden', reason: `no AWS credentials: ${messageOf(error)}` };
    }
    try {
      return resultOf(await this.#send(this.#headers(report, credentials), report.bytes, signal));
    } catch (error) {
      return { status: 'failed', reason: messageOf(error) };
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #headers({ bytes, isGzip }: EncodedReport, credentials: Credentials): Record<string, string> {
    const { url, region, clock } = this.#deps;
    return signRequest({
      method: 'POST',
      target: `${url.pathname}${url.search}`,
      headers: {
        host: url.host,
        'content-type': 'application/x-protobuf',
        'content-length': String(bytes.length),
        ...(isGzip ? { 'content-encoding': 'gzip' } : {}),
      },
      body: bytes,
      credentials,
      region,
      service: SERVICE,
      now: new Date(clock.now()),
    });
  }

  #send(
    headers: Record<string, string>,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const { url } = this.#deps;
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MILLIS)]);
    return new Promise((resolve, reject) => {
      const options = { method: 'POST', headers, agent: this.#agent, signal: limit };
      const sent = send(url, options, (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => {
          if (text.length < MOST_ANSWER_BYTES) text += chunk;
        });
        answer.on('error', reject);
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}

/** The server's one status for every fault of a signature, a key or a right. */
const FORBIDDEN = 403;

/** What says that the report itself is at fault. All else can be mended. */
const FOR_GOOD: ReadonlySet<number> = new Set([400, 413, 415]);

function resultOf(answer: { readonly status: number; readonly text: string }): PostResult {
  if (answer.status === 200) return { status: 'accepted' };
  const reason = `${answer.status} ${answer.text.slice(0, MOST_ANSWER_BYTES)}`.trim();
  if (answer.status === FORBIDDEN) return { status: 'forbidden', reason };
  return { status: FOR_GOOD.has(answer.status) ? 'refused' : 'failed', reason };
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(', ');
  return error instanceof Error ? error.message || error.name : String(error);
}
