import { OPERATION_NAMES, OPERATIONS, type OperationName } from './operations.ts';
import { type MethodAndPath, type PathMatcher, pathMatcher } from './path-pattern.ts';

export interface OperationPath extends MethodAndPath {
  readonly operation: OperationName;
}

/** Finds an operation of the contract by method and raw path. */
export function operationMatcher(): PathMatcher<OperationPath> {
  return pathMatcher(OPERATION_NAMES.map((operation) => ({ operation, ...OPERATIONS[operation] })));
}
