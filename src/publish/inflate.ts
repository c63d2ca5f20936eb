import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { ApiError } from '../model/api-error.ts';

const gunzipAsync = promisify(gunzip);

/**
 * Inflates a gzip body off the event loop.
 *
 * @throws ApiError SerializationException when it is cut or no gzip; RequestEntityTooLargeException
 * when it is larger than `maxBytes`, which is also as far as it is ever inflated
 */
export async function inflate(body: Uint8Array, maxBytes: number): Promise<Buffer> {
  try {
    return await gunzipAsync(body, { maxOutputLength: maxBytes, chunkSize: chunkSize(body) });
  } catch (cause) {
    if (cause instanceof RangeError) {
      const message = `the body inflates to more than ${maxBytes} bytes; send fewer flows a report`;
      throw new ApiError('RequestEntityTooLargeException', message, { cause });
    }
    const message = 'the body is no whole gzip stream, though content-encoding says gzip';
    throw new ApiError('SerializationException', message, { cause });
  }
}

/**
 * A report grows about twentyfold, and each chunk is a turn of the thread pool: in zlib's default
 * of 16 KiB a report of 500 flows took 45 of them, and as long again as the inflating itself.
 */
function chunkSize(body: Uint8Array): number {
  return Math.min(Math.max(body.length * 24, 64 * 1024), 4 * 1024 * 1024);
}
