import { createHash } from 'node:crypto';
import type { Authenticator, PreparedRequest } from '../auth/authenticator.ts';
import { authorize } from '../auth/authorize.ts';
import type { Clock } from '../lib/clock.ts';
import type { CounterMetric, HistogramMetric, Metrics } from '../lib/metrics.ts';
import { type AcceptedReport, encodeAcceptedReport } from '../model/accepted-report.ts';
import { ApiError } from '../model/api-error.ts';
import { type BodyRead, headerValue, type RequestHead } from '../model/http.ts';
import { HOST_ATTRIBUTES } from '../model/report.ts';
import type { Attributes } from '../wire/otlp/attributes.ts';
import { MalformedError } from '../wire/otlp/cursor.ts';
import { readResource } from '../wire/otlp/read-resource.ts';
import type { AcceptedReports } from './accepted-reports.ts';
import { ByteBudget } from './byte-budget.ts';
import { inflate } from './inflate.ts';

export interface PublishOptions {
  readonly maxBodyBytes: number;
  readonly maxInflatedBytes: number;
  /** Limit of inflated bodies whose reports are not durable yet; accounts share it. */
  readonly maxInflatingBytes: number;
}

export interface InflatedKeeper {
  keep(signature: string, body: Buffer): void;
  take(signature: string): Buffer | undefined;
}

export interface PublishDeps {
  readonly authenticator: Authenticator;
  readonly readBody: BodyRead;
  /** Resolves once the record is durable. */
  readonly append: (record: Uint8Array) => Promise<void>;
  /** Caches the inflated body of an accepted report by its signature, for the flow pipeline. */
  readonly inflated: InflatedKeeper;
  readonly accepted: AcceptedReports;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly options: PublishOptions;
}

const CONTENT_TYPE = 'application/x-protobuf';
/** RFC 9110 8.4.1.3: x-gzip is gzip. */
const GZIP_NAMES: ReadonlySet<string> = new Set(['gzip', 'x-gzip']);
const TOO_LARGE_ADVICE = 'send fewer flows per report';
const MAX_SEQUENCE = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * The endpoint that agents post reports to. It rejects a request by its headers, where possible,
 * before it reads the body. A report that it answers with 200 is durable and is stored once.
 */
export class Publish {
  readonly #deps: PublishDeps;
  readonly #inflating: ByteBudget;
  readonly #accepted: CounterMetric;
  readonly #duplicates: CounterMetric;
  readonly #refused: CounterMetric;
  readonly #bodyBytes: HistogramMetric;

  constructor(deps: PublishDeps) {
    const { metrics, options } = deps;
    this.#deps = deps;
    this.#inflating = new ByteBudget(options.maxInflatingBytes);
    this.#accepted = metrics.counter({
      name: 'nfm_publish_accepted_total',
      help: 'Reports answered with 200 and stored, without duplicates',
    });
    this.#duplicates = metrics.counter({
      name: 'nfm_publish_duplicates_total',
      help: 'Reports answered with 200 that had been accepted before',
    });
    this.#refused = metrics.counter({
      name: 'nfm_publish_refused_total',
      help: 'Rejected reports, by the error in the response',
      labels: ['error'],
    });
    this.#bodyBytes = metrics.histogram({
      name: 'nfm_publish_body_bytes',
      help: 'Size of accepted request bodies as received, in bytes',
      buckets: [1e3, 3e3, 1e4, 3e4, 1e5, 3e5, 1e6, 3e6, 8e6],
    });
  }

  /**
   * Receives one report. Resolves once the report is durable, or when an equal one already is.
   *
   * @throws ApiError when the report is rejected; the rejection is counted
   */
  async receive(head: RequestHead, body: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      await this.#receive(head, body);
    } catch (error) {
      const name = error instanceof ApiError ? error.name : 'InternalServerException';
      this.#refused.add(1, { error: name });
      throw error;
    }
  }

  async #receive(head: RequestHead, stream: AsyncIterable<Uint8Array>): Promise<void> {
    const { authenticator, clock } = this.#deps;
    if (head.method !== 'POST') {
      throw new ApiError('UnknownOperationException', 'reports must be sent with POST /publish');
    }
    const prepared = await authenticator.prepare(head);
    const encoding = readEncoding(head);
    this.#checkDeclaredLength(head);
    const body = await this.#readBody(head, stream, prepared);
    const hash = createHash('sha256').update(body).digest('hex');
    const principal = authenticator.verify(prepared, head, hash);
    authorize(principal, { action: 'networkflowmonitor:Publish' });
    const owner = { account: principal.account, region: principal.region };
    await this.#withInflated({ owner, encoding, body }, async (inflated) => {
      const report: AcceptedReport = {
        owner,
        receivedAtMillis: clock.now(),
        signedAtMillis: prepared.amzDateMillis,
        encoding,
        signature: prepared.signature,
        ...readIdentity(inspect(inflated)),
        body,
      };
      await this.#keepOnce(report, inflated);
    });
    this.#bodyBytes.observe(body.length);
  }

  /**
   * When another request stores the same report, waits for it, and stores this one if that fails.
   */
  async #keepOnce(report: AcceptedReport, inflated: Buffer): Promise<void> {
    for (;;) {
      const claim = this.#deps.accepted.claim(report);
      if (claim.status === 'duplicate') return this.#duplicates.add(1);
      if (claim.status === 'pending') {
        await claim.outcome;
        continue;
      }
      // Cached before the report is durable, because the flow pipeline may read it right after.
      this.#deps.inflated.keep(report.signature, inflated);
      return await this.#keep(report, claim.settle);
    }
  }

  async #keep(report: AcceptedReport, settle: (accepted: boolean) => void): Promise<void> {
    try {
      await this.#deps.append(encodeAcceptedReport(report));
    } catch (cause) {
      this.#deps.inflated.take(report.signature);
      settle(false);
      const message = 'the report cannot be stored now and was discarded; send it again later';
      throw new ApiError('ServiceUnavailableException', message, { cause });
    }
    settle(true);
    this.#accepted.add(1);
  }

  #checkDeclaredLength(head: RequestHead): void {
    const declared = headerValue(head, 'content-length');
    if (declared !== undefined && Number(declared) > this.#deps.options.maxBodyBytes) {
      throw this.#tooLarge();
    }
  }

  #readBody(
    { remoteAddress }: RequestHead,
    stream: AsyncIterable<Uint8Array>,
    { principal, isVerified }: PreparedRequest,
  ): Promise<Buffer> {
    const { maxBodyBytes: maxBytes } = this.#deps.options;
    const { account, accessKeyId } = principal;
    const sender = {
      address: remoteAddress,
      accessKeyId,
      account: isVerified ? account : undefined,
    };
    return this.#deps.readBody(stream, { maxBytes, ...sender, advice: TOO_LARGE_ADVICE });
  }

  /** Inflates the body, and counts it against the account's share while `act` runs. */
  async #withInflated(
    { owner, encoding, body }: Pick<AcceptedReport, 'owner' | 'encoding'> & { body: Buffer },
    act: (inflated: Buffer) => Promise<void>,
  ): Promise<void> {
    const { maxInflatedBytes } = this.#deps.options;
    // The inflated size is unknown beforehand: a usual report grows 20 times, a gzip bomb 1,000
    // times.
    let held = Math.min(maxInflatedBytes, body.length * 64);
    if (!this.#inflating.reserve(owner.account, held)) throw busy();
    try {
      const inflated = encoding === 'gzip' ? await inflate(body, maxInflatedBytes) : body;
      this.#inflating.release(owner.account, held);
      held = 0;
      if (!this.#inflating.reserve(owner.account, inflated.length)) throw busy();
      held = inflated.length;
      await act(inflated);
    } finally {
      this.#inflating.release(owner.account, held);
    }
  }

  #tooLarge(): ApiError {
    const message = `the body has more than ${this.#deps.options.maxBodyBytes} bytes; ${TOO_LARGE_ADVICE}`;
    return new ApiError('RequestEntityTooLargeException', message);
  }
}

/**
 * Checks the outer frames, so that the sender of a malformed report gets an error.
 *
 * @returns the resource attributes
 */
function inspect(inflated: Buffer): Attributes {
  try {
    return readResource(inflated);
  } catch (cause) {
    if (!(cause instanceof MalformedError)) throw cause;
    const message = `the body is not an OTLP metrics request: ${cause.message}`;
    throw new ApiError('SerializationException', message, { cause });
  }
}

function busy(): ApiError {
  return new ApiError(
    'ServiceUnavailableException',
    'too many reports of this account are being received at once; send it again later',
  );
}

function readEncoding(head: RequestHead): AcceptedReport['encoding'] {
  const type = headerValue(head, 'content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== CONTENT_TYPE) {
    throw new ApiError('UnsupportedMediaTypeException', `content-type must be ${CONTENT_TYPE}`);
  }
  const codings = (headerValue(head, 'content-encoding') ?? '')
    .split(',')
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity');
  const [coding, ...more] = codings;
  if (coding === undefined) return 'identity';
  if (more.length === 0 && GZIP_NAMES.has(coding)) return 'gzip';
  throw new ApiError('UnsupportedMediaTypeException', 'content-encoding must be gzip or absent');
}

function readIdentity(resource: Attributes): Pick<AcceptedReport, 'runId' | 'sequence'> {
  const runId = resource.get(HOST_ATTRIBUTES.runId);
  const sequence = resource.get(HOST_ATTRIBUTES.sequence);
  if (typeof runId !== 'string' || runId === '' || runId.length > 64) return {};
  // A greater number would not be exact as a double.
  if (typeof sequence !== 'bigint' || sequence < 1n || sequence > MAX_SEQUENCE) return {};
  return { runId, sequence: Number(sequence) };
}
