import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { ApiError } from '../model/api-error.ts';

const gunzipAsync = promisify(gunzip);

/**
 * Inflates a gzip body in a thread of the pool, to at most `maxBytes`.
 *
 * @throws ApiError SerializationException when the body is incomplete or not gzip,
 * RequestEntityTooLargeException when it inflates to more than `maxBytes`
 */
export async function inflate(body: Uint8Array, maxBytes: number): Promise<Buffer> {
  try {
    return await gunzipAsync(body, { maxOutputLength: maxBytes, chunkSize: chunkSize(body) });
  } catch (cause) {
    if (cause instanceof RangeError) {
      const message = `the body inflates to more than ${maxBytes} bytes; send fewer flows per report`;
      throw new ApiError('RequestEntityTooLargeException', message, { cause });
    }
    const message = 'content-encoding is gzip, but the body is not a complete gzip stream';
    throw new ApiError('SerializationException', message, { cause });
  }
}

/**
 * A report grows about 20 times, and each output chunk is one task of the thread pool. With zlib's
 * default of 16 KiB a report of 500 flows needed 45 tasks, which doubled the time to inflate it.
 */
function chunkSize(body: Uint8Array): number {
  return Math.min(Math.max(body.length * 24, 64 * 1024), 4 * 1024 * 1024);
}
