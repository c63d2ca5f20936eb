import { type OperationName, operationSpec } from './operations.ts';
import { type Reading, readShape } from './read-shape.ts';
import type { OutputOf } from './types.ts';
import { writeShape } from './write-shape.ts';

/** Converts an operation's output to JSON values. `bigint` stays; `encodeJson` writes it exactly. */
export function writeOutput<Name extends OperationName>(
  operation: Name,
  output: OutputOf<Name>,
): unknown {
  return writeShape(operationSpec(operation).output, output);
}

/**
 * Converts parsed JSON to the typed output of an operation. Accepts values that the contract does
 * not know, because a newer server may return them. Throws if a member has the wrong type or a
 * required one is missing.
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
