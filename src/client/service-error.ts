import type { ApiErrorName } from '../model/api-error.ts';
import type { TransportResponse } from './transport.ts';

/** An error response of the service. `name` is that of the exception: `ConflictException`. */
export class ServiceError extends Error {
  override readonly name: string;
  readonly status: number;
  readonly requestId: string | undefined;

  constructor(message: string, answer: Omit<ServiceError, keyof Error> & { name: string }) {
    super(message);
    this.name = answer.name;
    this.status = answer.status;
    this.requestId = answer.requestId;
  }
}

/** Whether the error is a ServiceError with this name. */
export function isServiceError(error: unknown, name: ApiErrorName): error is ServiceError {
  return error instanceof ServiceError && error.name === name;
}

/** No response arrived: the server is down, the address is wrong or the connection broke. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

/** Reads the error from a response of status 300 or higher. */
export function readServiceError(response: TransportResponse): ServiceError {
  // AWS may append a namespace to the name: `ConflictException:http://…`.
  const name = response.headers['x-amzn-errortype']?.split(':')[0] ?? 'UnknownError';
  return new ServiceError(readMessage(response), {
    name,
    status: response.status,
    requestId: response.headers['x-amzn-requestid'],
  });
}

function readMessage({ status, body }: TransportResponse): string {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null && 'message' in parsed) {
      return String(parsed.message);
    }
  } catch {
    // The body is not JSON, for example a proxy's error page, so only the status is reported.
  }
  return `the server answered with status ${status}`;
}
