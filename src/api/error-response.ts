import { ApiError, type ApiErrorName } from '../model/api-error.ts';
import type { RawResponse } from '../model/http.ts';

const JSON_TYPE = 'application/json';

/** Seconds after which a client that was told to slow down may try again. */
const RETRY_AFTER_SECONDS = '1';

/**
 * The one place that turns an error into AWS bytes: `{"message": …}` with the exception's name in
 * `x-amzn-ErrorType`. What is not an ApiError is a fault of ours: InternalServerException without
 * detail, and the caller logs it once.
 */
export function errorResponse(error: unknown, requestId: string): RawResponse {
  const known =
    error instanceof ApiError
      ? error
      : new ApiError('InternalServerException', 'an internal error occurred');
  return {
    status: known.status,
    headers: {
      'content-type': JSON_TYPE,
      'x-amzn-ErrorType': known.name,
      'x-amzn-RequestId': requestId,
      ...(asksToWait(known.name) ? { 'retry-after': RETRY_AFTER_SECONDS } : {}),
    },
    body: JSON.stringify({ message: known.message }),
  };
}

function asksToWait(name: ApiErrorName): boolean {
  return name === 'ThrottlingException' || name === 'ServiceUnavailableException';
}
