import type { OperationName } from '../../contract/operations.ts';
import type { InputOf, OutputOf } from '../../contract/types.ts';
import type { Owner } from '../../model/owner.ts';

/** Executes one operation on validated input, or throws an ApiError. */
export type Handler<Name extends OperationName> = (
  input: InputOf<Name>,
  owner: Owner,
) => Promise<OutputOf<Name>>;

/** One handler per operation. */
export type Handlers = {
  readonly [Name in OperationName]: Handler<Name>;
};
