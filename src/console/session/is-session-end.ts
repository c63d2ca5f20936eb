import { isServiceError } from '../../client/service-error.ts';
import type { ApiErrorName } from '../../model/api-error.ts';

const SESSION_ENDS = [
  'MissingAuthenticationTokenException',
  'ExpiredTokenException',
  'UnrecognizedClientException',
] as const satisfies readonly ApiErrorName[];

/** Whether the API answered that it does not know the caller (any more). */
export function isSessionEnd(error: unknown): boolean {
  return SESSION_ENDS.some((name) => isServiceError(error, name));
}
