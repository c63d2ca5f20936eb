import type { Clock } from '../../lib/clock.ts';
import type { CounterMetric, Metrics } from '../../lib/metrics.ts';
import { ApiError } from '../../model/api-error.ts';
import type { BodyLimits } from '../../model/http.ts';

export interface BodyReaderOptions {
  /** Limit of all bodies together. */
  readonly maxBytes: number;
  /**
   * Limit of the bodies of one account, or, while the sender is not verified, from one address and
   * of one claimed access key.
   */
  readonly maxBytesPerSender: number;
}

export interface BodyReaderDeps {
  readonly options: BodyReaderOptions;
  readonly dropped: CounterMetric;
  readonly clock: Clock;
}

/** A body must grow by this much in each period. 13 kbit/s is less than any link an agent uses. */
const MIN_BYTES_PER_PERIOD = 16 * 1024;
const PERIOD_MILLIS = 10_000;

interface Body {
  readonly senders: readonly string[];
  readonly startedMillis: number;
  readonly drop: (error: ApiError) => void;
  bytes: number;
}

/** The counter of dropped bodies, shared by all readers of bodies. */
export function droppedBodiesCounter(metrics: Metrics): CounterMetric {
  return metrics.counter({
    name: 'nfm_http_bodies_dropped_total',
    help: 'Request bodies dropped before they were complete: slow (less than 16 KiB in 10 s), or displaced (the limit of bytes being received was reached)',
    labels: ['reason'],
  });
}

/**
 * Reads the bodies of requests. When a limit is reached, it drops the body that has held the most
 * bytes for the longest time. So a sender that withholds its body cannot keep out one
 * that sends quickly, even if both share an address and an access key.
 */
export class BodyReader {
  readonly #deps: BodyReaderDeps;
  readonly #bodies = new Set<Body>();
  readonly #heldBy = new Map<string, number>();
  #held = 0;

  constructor(deps: BodyReaderDeps) {
    this.#deps = deps;
  }

  /** Bytes of all bodies that are being read. */
  get held(): number {
    return this.#held;
  }

  /**
   * Reads a whole body.
   *
   * @throws ApiError RequestEntityTooLargeException beyond `limits.maxBytes`, and
   * ServiceUnavailableException when the body was dropped
   */
  async read(stream: AsyncIterable<Uint8Array>, limits: BodyLimits): Promise<Buffer> {
    let drop: (error: ApiError) => void = () => {};
    const dropped = new Promise<never>((_resolve, reject) => {
      drop = reject;
    });
    // A body may be dropped after its last chunk, when nothing waits for this promise.
    dropped.catch(() => {});
    const body = this.#add(limits, drop);
    const watch = this.#watch(body);
    const iterator = stream[Symbol.asyncIterator]();
    const chunks: Uint8Array[] = [];
    try {
      for (;;) {
        const next = await Promise.race([iterator.next(), dropped]);
        if (next.done === true) return Buffer.concat(chunks, body.bytes);
        if (body.bytes + next.value.length > limits.maxBytes) throw tooLarge(limits);
        this.#hold(body, next.value.length);
        chunks.push(next.value);
      }
    } catch (error) {
      // Not awaited: it settles only after the next chunk, which may never arrive.
      iterator.return?.().catch(() => {});
      throw error;
    } finally {
      clearInterval(watch);
      this.#release(body);
    }
  }

  #add(limits: BodyLimits, drop: (error: ApiError) => void): Body {
    const body = {
      senders: sendersOf(limits),
      startedMillis: this.#deps.clock.now(),
      drop,
      bytes: 0,
    };
    this.#bodies.add(body);
    return body;
  }

  /** Drops the body when it grows too little in a period. */
  #watch(body: Body): NodeJS.Timeout {
    let before = 0;
    return setInterval(() => {
      if (body.bytes - before < MIN_BYTES_PER_PERIOD) this.#drop(body, 'slow');
      before = body.bytes;
    }, PERIOD_MILLIS).unref();
  }

  /** Counts a chunk against every limit, and drops other bodies to make room. */
  #hold(body: Body, bytes: number): void {
    const { maxBytes, maxBytesPerSender } = this.#deps.options;
    for (const sender of body.senders) {
      const bodies = () => [...this.#bodies].filter(({ senders }) => senders.includes(sender));
      const isFull = () => (this.#heldBy.get(sender) ?? 0) + bytes > maxBytesPerSender;
      while (isFull()) this.#dropCostliest(bodies(), body);
    }
    while (this.#held + bytes > maxBytes) this.#dropCostliest([...this.#bodies], body);
    this.#change(body, bytes);
  }

  #dropCostliest(bodies: readonly Body[], requester: Body): void {
    const now = this.#deps.clock.now();
    const cost = ({ bytes, startedMillis }: Body) => bytes * Math.max(1, now - startedMillis);
    const costliest = bodies.reduce((most, body) => (cost(body) > cost(most) ? body : most));
    this.#drop(costliest, 'displaced');
    if (costliest === requester) throw displaced();
  }

  #drop(body: Body, reason: 'slow' | 'displaced'): void {
    this.#deps.dropped.add(1, { reason });
    this.#release(body);
    body.drop(reason === 'slow' ? slow() : displaced());
  }

  /** Does nothing if the body was released before. */
  #release(body: Body): void {
    if (this.#bodies.delete(body)) this.#change(body, -body.bytes);
  }

  #change(body: Body, bytes: number): void {
    body.bytes += bytes;
    this.#held += bytes;
    for (const sender of body.senders) {
      const held = (this.#heldBy.get(sender) ?? 0) + bytes;
      if (held === 0) this.#heldBy.delete(sender);
      else this.#heldBy.set(sender, held);
    }
  }
}

function sendersOf({ account, address, accessKeyId }: BodyLimits): readonly string[] {
  if (account !== undefined) return [`account ${account}`];
  if (accessKeyId === undefined) return [`address ${address}`];
  return [`address ${address}`, `key ${accessKeyId}`];
}

function tooLarge({ maxBytes, advice }: BodyLimits): ApiError {
  const message = `the body has more than ${maxBytes} bytes${advice === undefined ? '' : `; ${advice}`}`;
  return new ApiError('RequestEntityTooLargeException', message);
}

function displaced(): ApiError {
  const message = 'too many request bodies are being received at once; send it again later';
  return new ApiError('ServiceUnavailableException', message);
}

function slow(): ApiError {
  const message = `the body arrived too slowly: less than ${MIN_BYTES_PER_PERIOD} bytes in ${PERIOD_MILLIS / 1000} seconds`;
  return new ApiError('ServiceUnavailableException', message);
}
