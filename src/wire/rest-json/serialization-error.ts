import { ApiError } from '../../model/api-error.ts';

/** The request cannot be parsed, so the error names no member of it. */
export function serializationError(message: string, cause?: unknown): ApiError {
  return new ApiError('SerializationException', message, { cause });
}
