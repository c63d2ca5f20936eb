import { PAGINATORS, type PaginatedOperation } from '../contract/operations.ts';
import type { InputOf, OutputOf } from '../contract/types.ts';
import type { CallOptions } from './operation-caller.ts';
import { callerWithMethods } from './operation-methods.ts';

/** One item of a page of an operation, for example a scope summary of ListScopes. */
export type ItemOf<Name extends PaginatedOperation> =
  OutputOf<Name> extends infer Output
    ? (typeof PAGINATORS)[Name]['result_key'] extends infer Key extends keyof Output
      ? NonNullable<Output[Key]> extends readonly (infer Item)[]
        ? Item
        : never
      : never
    : never;

/**
 * The client of the API. It has a method for each operation (`createScope`, `listMonitors`, …) with
 * the member names of AWS's SDK, `Date` for timestamps and `bigint` for 64-bit values. It runs in
 * Node and in browsers with different transports.
 */
export class NetworkFlowMonitorClient extends callerWithMethods() {
  /** The pages of an operation. Requests each page when the previous one is consumed. */
  async *pages<Name extends PaginatedOperation>(
    operation: Name,
    input: InputOf<Name>,
    options: CallOptions = {},
  ): AsyncGenerator<OutputOf<Name>, void, undefined> {
    let nextToken = input.nextToken;
    do {
      const page = await this.call(operation, { ...input, nextToken }, options);
      yield page;
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
  }

  /** The items of all pages of an operation. */
  async *items<Name extends PaginatedOperation>(
    operation: Name,
    input: InputOf<Name>,
    options: CallOptions = {},
  ): AsyncGenerator<ItemOf<Name>, void, undefined> {
    const key = PAGINATORS[operation].result_key;
    for await (const page of this.pages(operation, input, options)) {
      const members: Readonly<Record<string, unknown>> = page;
      yield* (members[key] ?? []) as readonly ItemOf<Name>[];
    }
  }
}
