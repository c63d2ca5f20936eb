import { type OperationName, operationSpec } from './operations.ts';
import { type Reading, readShape } from './read-shape.ts';
import type { OutputOf } from './types.ts';
import { writeShape } from './write-shape.ts';

/** What the JSON body of an operation's answer holds; bigint is left for an exact encoder. */
export function writeOutput<Name extends OperationName>(
  operation: Name,
  output: OutputOf<Name>,
): unknown {
  return writeShape(operationSpec(operation).output, output);
}

/**
 * The typed answer of an operation from its parsed JSON. Values the contract does not know are let
 * through (a newer server); throws when a member is of the wrong type or a required one missing.
 */
export function readOutput<Name extends OperationName>(
  operation: Name,
  body: unknown,
): OutputOf<Name> {
  const reading: Reading = { check: 'types', problems: [] };
  const value = readShape(operationSpec(operation).output, body, { path: '', reading });
  if (reading.problems.length > 0) {
    throw new Error(`cannot read the answer of ${operation}: ${reading.problems.join('; ')}`);
  }
  return value as OutputOf<Name>;
}
