import { ApiError } from '../../model/api-error.ts';

/** The request cannot be taken apart, so no member of it can be named. */
export function serializationError(message: string, cause?: unknown): ApiError {
  return new ApiError('SerializationException', message, { cause });
}
