import type { ApiErrorName } from '../model/api-error.ts';
import type { TransportResponse } from './transport.ts';

/** An error the service answered with; `name` is its exception's, e.g. `ConflictException`. */
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

/** Whether the error is this one of the service's exceptions. */
export function isServiceError(error: unknown, name: ApiErrorName): error is ServiceError {
  return error instanceof ServiceError && error.name === name;
}

/** No answer came: the server is down, the address wrong, the connection cut. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

/** The error in an answer of status 300 and more. */
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
    // Not JSON: a proxy's page, say. Its status has to do.
  }
  return `the server answered with status ${status}`;
}
