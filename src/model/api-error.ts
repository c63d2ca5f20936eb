/** HTTP status of every error the server answers with, by its AWS exception name. */
export const ERROR_STATUS = {
  ValidationException: 400,
  SerializationException: 400,
  ServiceQuotaExceededException: 402,
  AccessDeniedException: 403,
  MissingAuthenticationTokenException: 403,
  IncompleteSignatureException: 403,
  UnrecognizedClientException: 403,
  InvalidSignatureException: 403,
  ExpiredTokenException: 403,
  ResourceNotFoundException: 404,
  UnknownOperationException: 404,
  ConflictException: 409,
  RequestEntityTooLargeException: 413,
  UnsupportedMediaTypeException: 415,
  ThrottlingException: 429,
  InternalServerException: 500,
  ServiceUnavailableException: 503,
} as const;

export type ApiErrorName = keyof typeof ERROR_STATUS;

/** An error the caller can act on. Only `api/error-response.ts` converts it to a response. */
export class ApiError extends Error {
  override readonly name: ApiErrorName;

  constructor(name: ApiErrorName, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = name;
  }

  get status(): number {
    return ERROR_STATUS[this.name];
  }
}

/** A ValidationException. Its message names the member or parameter and what it must be. */
export function invalid(message: string, options?: ErrorOptions): ApiError {
  return new ApiError('ValidationException', message, options);
}
