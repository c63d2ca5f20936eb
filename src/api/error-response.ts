import { DatabaseUnavailableError } from '../lib/postgres-pool.ts';
import { ApiError, type ApiErrorName } from '../model/api-error.ts';
import type { RawResponse } from '../model/http.ts';
import { QueryTooLargeError } from '../model/query.ts';
import { jsonAnswer } from './json-answer.ts';

/** Seconds a throttled client should wait before it tries again. */
const RETRY_AFTER_SECONDS = '1';

/**
 * Converts an error to AWS's form: the body `{"message": …}` and the exception's name in
 * `x-amzn-ErrorType`. No other code does this. An error that is not an ApiError becomes an
 * InternalServerException without detail; the caller logs it.
 */
export function errorResponse(error: unknown, requestId: string): RawResponse {
  const { name, status, message } = knownError(error);
  const { headers, body } = jsonAnswer({ message });
  return {
    status,
    headers: {
      ...headers,
      'x-amzn-ErrorType': name,
      'x-amzn-RequestId': requestId,
      ...(asksToWait(name) ? { 'retry-after': RETRY_AFTER_SECONDS } : {}),
    },
    body,
  };
}

/** Whether the log must explain an error, because its response does not. */
export function isOurFault(error: unknown): boolean {
  return !(error instanceof ApiError || error instanceof QueryTooLargeError);
}

function knownError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof QueryTooLargeError)
    return new ApiError('ValidationException', error.message);
  if (isDatabaseUnavailable(error)) {
    const message = 'The control database does not answer now; try again later.';
    return new ApiError('ServiceUnavailableException', message);
  }
  return new ApiError('InternalServerException', 'an internal error occurred');
}

function isDatabaseUnavailable(error: unknown): boolean {
  if (error instanceof DatabaseUnavailableError) return true;
  return error instanceof Error && isDatabaseUnavailable(error.cause);
}

function asksToWait(name: ApiErrorName): boolean {
  return name === 'ThrottlingException' || name === 'ServiceUnavailableException';
}
