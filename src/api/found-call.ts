import type { Intent } from '../auth/authorize.ts';
import type { RawResponse } from '../model/http.ts';

/** A call whose input was understood: all that remains is whether it may be done. */
export interface ReadyCall {
  /** All must be allowed. */
  readonly intents: readonly Intent[];
  /** The input by member, for the audit log. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly run: () => Promise<RawResponse>;
}

/** A call by its name, before anything else of it was looked at. */
export interface FoundCall {
  /** e.g. `CreateScope`; of the API beyond AWS's, e.g. `ListKeys`. */
  readonly name: string;
  readonly isOwn: boolean;
  /** Asks the flow store. */
  readonly isQuery: boolean;
  /** @throws ApiError what is wrong with the input */
  readonly read: () => ReadyCall;
}
