export interface TransportRequest {
  readonly method: string;
  /** Path and query, encoded, e.g. `/scopes?maxResults=5`. */
  readonly target: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** "" when there is none. */
  readonly body: string;
  readonly signal?: AbortSignal | undefined;
}

export interface TransportResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** How requests get to a server: signed over the network, or with a browser's session cookie. */
export interface Transport {
  /** Rejects only when there was no answer; an error status is an answer. */
  send(request: TransportRequest): Promise<TransportResponse>;
}
