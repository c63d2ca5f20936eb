import { ConnectionError, ServiceError } from '../../client/service-error.ts';

/** The failure as a sentence for the user. */
export function errorMessage(error: unknown): string {
  if (error instanceof ServiceError) return `${error.message} (${error.name})`;
  // `fetch` rejects with a TypeError when the server cannot be reached.
  if (error instanceof ConnectionError || error instanceof TypeError) {
    return 'The server does not respond.';
  }
  return error instanceof Error ? error.message : String(error);
}
