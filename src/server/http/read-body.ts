import { ApiError } from '../../model/api-error.ts';

/** The largest API request, 100 targets with 200 tags, is under 200 kB. */
const MAX_BYTES = 1024 * 1024;

/** Reads the whole body of a request. */
export async function readBody(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > MAX_BYTES) {
      throw new ApiError(
        'RequestEntityTooLargeException',
        `the body has more than ${MAX_BYTES} bytes`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}
