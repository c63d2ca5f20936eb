export interface TransportRequest {
  readonly method: string;
  /** Encoded path and query, for example `/scopes?maxResults=5`. */
  readonly target: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** "" without a body. */
  readonly body: string;
  readonly signal?: AbortSignal | undefined;
}

export interface TransportResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends requests to a server: signed, or with a browser's session cookie. */
export interface Transport {
  /** Rejects only if no response arrives. A response may have an error status. */
  send(request: TransportRequest): Promise<TransportResponse>;
}
