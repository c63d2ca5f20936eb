import { isServiceError } from '../../client/service-error.ts';
import type { ApiErrorName } from '../../model/api-error.ts';

const SESSION_ENDS = [
  'MissingAuthenticationTokenException',
  'ExpiredTokenException',
  'UnrecognizedClientException',
] as const satisfies readonly ApiErrorName[];

/** Whether the API rejected the call because the session is unknown or has expired. */
export function isSessionEnd(error: unknown): boolean {
  return SESSION_ENDS.some((name) => isServiceError(error, name));
}
