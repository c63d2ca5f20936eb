import { type OperationName, operationSpec } from '../contract/operations.ts';
import { formatRequest, structureSpec, type WireRequest } from '../contract/request.ts';
import { readOutput } from '../contract/response.ts';
import type { InputOf, OutputOf } from '../contract/types.ts';
import { backoffMillis } from '../lib/backoff.ts';
import { encodeJson, parseExactJson } from '../wire/rest-json/json.ts';
import { randomUuid } from './random-uuid.ts';
import { ConnectionError, readServiceError } from './service-error.ts';
import { sleep } from './sleep.ts';
import type { Transport, TransportRequest, TransportResponse } from './transport.ts';

export interface ClientOptions {
  readonly transport: Transport;
  /** Maximum attempts per call; default 3. */
  readonly maxAttempts?: number | undefined;
  /** Uniform from 0 to 1 (exclusive), for the jitter of retries; default `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** Returns a new clientToken of 1 to 64 ASCII characters; default a random UUID. */
  readonly newToken?: (() => string) | undefined;
  readonly sleep?: ((millis: number, signal?: AbortSignal) => Promise<void>) | undefined;
}

export interface CallOptions {
  /** Aborts the call, including its pauses and retries. */
  readonly signal?: AbortSignal | undefined;
}

const BACKOFF = { firstMillis: 100, maxMillis: 5_000 };

/**
 * Calls operations over a transport. Retries status 429 and 5xx and broken connections with
 * full-jitter backoff, after the time in Retry-After if there is one. A missing clientToken is
 * generated once and sent in every attempt, so a retry never creates a second resource.
 */
export class OperationCaller {
  readonly #transport: Transport;
  readonly #maxAttempts: number;
  readonly #random: () => number;
  readonly #newToken: () => string;
  readonly #sleep: (millis: number, signal?: AbortSignal) => Promise<void>;

  constructor(options: ClientOptions) {
    this.#transport = options.transport;
    this.#maxAttempts = options.maxAttempts ?? 3;
    this.#random = options.random ?? Math.random;
    this.#newToken = options.newToken ?? randomUuid;
    this.#sleep = options.sleep ?? sleep;
  }

  /** Rejects with ServiceError, whose `name` is that of the exception, or ConnectionError. */
  async call<Name extends OperationName>(
    operation: Name,
    input: InputOf<Name>,
    options: CallOptions = {},
  ): Promise<OutputOf<Name>> {
    const request = formatRequest(operation, this.#withToken(operation, input));
    return readOutput(operation, await this.send(request, options));
  }

  /** Sends any request, for example one of the extension API. Returns the parsed JSON answer. */
  async send(request: WireRequest, options: CallOptions = {}): Promise<unknown> {
    const body = request.body === undefined ? '' : encodeJson(request.body);
    const { body: text } = await this.#sendWithRetries({
      method: request.method,
      target: request.target,
      headers: body === '' ? {} : { 'content-type': 'application/json' },
      body,
      signal: options.signal,
    });
    return text === '' ? {} : parseExactJson(text);
  }

  #withToken<Name extends OperationName>(operation: Name, input: InputOf<Name>): InputOf<Name> {
    const members = Object.entries(structureSpec(operationSpec(operation).input).members);
    const [token] = members.find(([, member]) => member.idempotencyToken) ?? [];
    return token === undefined ? input : { [token]: this.#newToken(), ...defined(input) };
  }

  async #sendWithRetries(request: TransportRequest): Promise<TransportResponse> {
    for (let attempt = 1; ; attempt += 1) {
      const last = attempt >= this.#maxAttempts;
      const outcome = await this.#sendOnce(request);
      if (outcome instanceof ConnectionError) {
        if (last) throw outcome;
      } else if (outcome.status < 300) {
        return outcome;
      } else if (last || !isTransient(outcome.status)) {
        throw readServiceError(outcome);
      }
      await this.#sleep(this.#wait(attempt, outcome), request.signal);
    }
  }

  async #sendOnce(request: TransportRequest): Promise<TransportResponse | ConnectionError> {
    try {
      return await this.#transport.send(request);
    } catch (cause) {
      if (request.signal?.aborted === true) throw request.signal.reason;
      if (cause instanceof ConnectionError) return cause;
      throw cause;
    }
  }

  #wait(attempt: number, outcome: TransportResponse | ConnectionError): number {
    const millis = backoffMillis(attempt, { ...BACKOFF, random: this.#random });
    const header = outcome instanceof Error ? undefined : outcome.headers['retry-after'];
    const askedMillis = Number(header ?? 0) * 1000;
    return askedMillis > 0 ? Math.min(askedMillis, BACKOFF.maxMillis) + millis : millis;
  }
}

function isTransient(status: number): boolean {
  return status === 429 || status >= 500;
}

function defined<Input extends object>(input: Input): Input {
  const members = Object.entries(input).filter(([, value]) => value !== undefined);
  return Object.fromEntries(members) as Input;
}
