import { type Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { sha256Hex } from '../../wire/sigv4/sha256-hex.ts';
import { type Credentials, signRequest } from '../../wire/sigv4/sign.ts';
import type { CredentialProvider } from './credentials.ts';
import type { ServerClock } from './server-clock.ts';

const SERVICE = 'networkflowmonitor';

/** The existing agent's timeout. */
const TIMEOUT_MILLIS = 20_000;

/** The log gets at most this much of an answer other than 200. */
const MAX_ANSWER_BYTES = 1_024;

/**
 * SigV4 rejects a date that is 15 minutes off. If the server's time turns out to differ by more
 * than 5 minutes, the clock may be the cause of a rejection.
 */
const SUSPECT_MILLIS = 5 * 60_000;

export interface EndpointDeps {
  /** The URL with its path. */
  readonly url: URL;
  readonly region: string;
  readonly credentials: CredentialProvider;
  readonly clock: ServerClock;
  /** Keeps the connection open between posts. */
  readonly agent: HttpAgent;
}

export interface EncodedReport {
  readonly bytes: Uint8Array;
  readonly isGzip: boolean;
}

/**
 * `rejected` is final: the server will not accept the same bytes later. `forbidden` concerns the key:
 * it is missing, wrong or without permission. `failed` may be temporary.
 */
export type PostResult =
  | { readonly status: 'accepted' }
  | {
      readonly status: 'rejected' | 'forbidden' | 'failed';
      readonly reason: string;
      /** Absent without an answer. */
      readonly httpStatus?: number;
    };

interface Answer {
  readonly status: number;
  readonly text: string;
}

/**
 * Posts reports to the server. Signs each attempt with SigV4 and the server's time, which each answer
 * gives. Retries at once when the server may have rejected the signature because of the clock.
 */
export class Endpoint {
  readonly #deps: EndpointDeps;

  constructor(deps: EndpointDeps) {
    this.#deps = deps;
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
      const { clock } = this.#deps;
      const signedAt = clock.now();
      const answer = await this.#post(report, credentials, signal);
      const wasSkewed = Math.abs(clock.now() - signedAt) > SUSPECT_MILLIS;
      if (answer.status !== FORBIDDEN || !wasSkewed) return resultOf(answer);
      return resultOf(await this.#post(report, credentials, signal));
    } catch (error) {
      return { status: 'failed', reason: messageOf(error) };
    }
  }

  /**
   * Learns the server's time by a request without a key or content.
   *
   * @returns the status of the answer
   */
  async learnTime(signal: AbortSignal): Promise<number> {
    const { host } = this.#deps.url;
    const answer = await this.#send({ method: 'HEAD', headers: { host }, body: undefined, signal });
    return answer.status;
  }

  close(): void {
    this.#deps.agent.destroy();
  }

  #post(report: EncodedReport, credentials: Credentials, signal: AbortSignal): Promise<Answer> {
    const headers = this.#headers(report, credentials);
    return this.#send({ method: 'POST', headers, body: report.bytes, signal });
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
        // Lets the server verify the sender before it reads the body.
        'x-amz-content-sha256': sha256Hex(bytes),
        ...(isGzip ? { 'content-encoding': 'gzip' } : {}),
      },
      body: bytes,
      credentials,
      region,
      service: SERVICE,
      now: new Date(clock.now()),
    });
  }

  #send(question: Question): Promise<Answer> {
    const { url, agent, clock } = this.#deps;
    const { method, headers, body } = question;
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    const signal = AbortSignal.any([question.signal, AbortSignal.timeout(TIMEOUT_MILLIS)]);
    return new Promise((resolve, reject) => {
      const sent = send(url, { method, headers, agent, signal }, (answer) => {
        clock.learn(answer.headers.date);
        readAnswer(answer).then(resolve, reject);
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}

interface Question {
  readonly method: 'POST' | 'HEAD';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
  readonly signal: AbortSignal;
}

async function readAnswer(answer: IncomingMessage): Promise<Answer> {
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) {
    if (text.length < MAX_ANSWER_BYTES) text += String(chunk);
  }
  return { status: answer.statusCode ?? 0, text };
}

/** The server's status for every fault of a signature, a key or a permission. */
const FORBIDDEN = 403;

/** Statuses that concern the report itself. After any other a retry may succeed. */
const FOR_GOOD: ReadonlySet<number> = new Set([400, 413, 415]);

function resultOf(answer: Answer): PostResult {
  if (answer.status === 200) return { status: 'accepted' };
  const reason = `${answer.status} ${answer.text.slice(0, MAX_ANSWER_BYTES)}`.trim();
  const httpStatus = answer.status;
  if (httpStatus === FORBIDDEN) return { status: 'forbidden', reason, httpStatus };
  return { status: FOR_GOOD.has(httpStatus) ? 'rejected' : 'failed', reason, httpStatus };
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(', ');
  return error instanceof Error ? error.message || error.name : String(error);
}
