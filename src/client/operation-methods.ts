import { OPERATION_NAMES, type OperationName } from '../contract/operations.ts';
import type { InputOf, OutputOf } from '../contract/types.ts';
import { type CallOptions, type ClientOptions, OperationCaller } from './operation-caller.ts';

/** The input may be omitted if all its members are optional. */
type Arguments<Name extends OperationName> =
  Record<never, never> extends InputOf<Name>
    ? [input?: InputOf<Name>, options?: CallOptions]
    : [input: InputOf<Name>, options?: CallOptions];

/** One method per operation, named as in AWS's JavaScript SDK: `createScope(input)`. */
export type OperationMethods = {
  readonly [Name in OperationName as Uncapitalize<Name>]: (
    ...call: Arguments<Name>
  ) => Promise<OutputOf<Name>>;
};

/** A caller class with a generated method for each operation of the contract. */
export function callerWithMethods(): new (
  options: ClientOptions,
) => OperationCaller & OperationMethods {
  class CallerWithMethods extends OperationCaller {}
  for (const operation of OPERATION_NAMES) {
    const method = operation.charAt(0).toLowerCase() + operation.slice(1);
    Object.defineProperty(CallerWithMethods.prototype, method, {
      value(this: OperationCaller, input: never, options: CallOptions) {
        return this.call(operation, input ?? {}, options);
      },
    });
  }
  // The compiler cannot see methods that a loop defines. The loop and the type use one table.
  return CallerWithMethods as unknown as ReturnType<typeof callerWithMethods>;
}
