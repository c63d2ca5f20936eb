import type { Intent } from '../auth/authorize.ts';
import type { RawResponse } from '../model/http.ts';

/** A call with valid input. It runs once every intent is authorized. */
export interface ReadyCall {
  readonly intents: readonly Intent[];
  /** The input by member, for the audit log. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly run: () => Promise<RawResponse>;
}

/** A call whose method and path are known; the rest of the request is not read yet. */
export interface FoundCall {
  /** An AWS operation such as `CreateScope`, or an action of the extension API such as `ListKeys`. */
  readonly name: string;
  readonly isExtension: boolean;
  /** Whether the call reads the flow store. */
  readonly isQuery: boolean;
  /** @throws ApiError if the input is invalid */
  readonly read: () => ReadyCall;
}
