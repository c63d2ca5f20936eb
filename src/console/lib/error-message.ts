import { ConnectionError, ServiceError } from '../../client/service-error.ts';

/** What a person is told of a failure. */
export function errorMessage(error: unknown): string {
  if (error instanceof ServiceError) return `${error.message} (${error.name})`;
  // `fetch` rejects with a TypeError when no answer comes.
  if (error instanceof ConnectionError || error instanceof TypeError) {
    return 'The server does not answer.';
  }
  return error instanceof Error ? error.message : String(error);
}
