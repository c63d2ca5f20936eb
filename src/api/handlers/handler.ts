import type { OperationName } from '../../contract/operations.ts';
import type { InputOf, OutputOf } from '../../contract/types.ts';
import type { Owner } from '../../model/owner.ts';

/** Does one operation: validated input in, output or ApiError out. */
export type Handler<Name extends OperationName> = (
  input: InputOf<Name>,
  owner: Owner,
) => Promise<OutputOf<Name>>;

/** Handlers by the operations they do. */
export type Handlers<Name extends OperationName> = {
  readonly [Key in Name]: Handler<Key>;
};
