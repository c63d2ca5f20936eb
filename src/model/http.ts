/**
 * A request as received. `target` is the raw request target (path and query, still encoded). SigV4
 * is computed over it, so it never passes through `URL`, which rewrites it.
 */
export interface RawRequest {
  readonly method: string;
  readonly target: string;
  /** By lower-case name; a header that was sent several times has its values in order. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: Uint8Array;
  readonly remoteAddress: string;
  /** Aborted when the client disconnects before the answer. */
  readonly signal?: AbortSignal | undefined;
}

/** The parts of a request that are available before its body. */
export type RequestHead = Omit<RawRequest, 'body'>;

export interface BodyLimits {
  readonly maxBytes: number;
  /** The client's address. */
  readonly address: string;
  /** The account, if the sender is verified already. */
  readonly account?: string | undefined;
  /** The access key that the head claims, if it names one. */
  readonly accessKeyId?: string | undefined;
  /** The end of the error message, after "the body has more than … bytes; ". */
  readonly advice?: string;
}

/** Reads the whole body of a request. */
export type BodyRead = (stream: AsyncIterable<Uint8Array>, limits: BodyLimits) => Promise<Buffer>;

export interface RawResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** The values of a header joined as RFC 9110 5.3 allows, or undefined when it was not sent. */
export function headerValue(head: RequestHead, name: string): string | undefined {
  return head.headers.get(name)?.join(',');
}

/** Groups Node's flat `rawHeaders` (name, value, name, value …) by lower-case name. */
export function groupHeaders(rawHeaders: readonly string[]): Map<string, string[]> {
  const grouped = new Map<string, string[]>();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase();
    const values = grouped.get(name);
    if (values === undefined) grouped.set(name, [rawHeaders[i + 1] ?? '']);
    else values.push(rawHeaders[i + 1] ?? '');
  }
  return grouped;
}
