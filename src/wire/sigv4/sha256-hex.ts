import { createHash } from 'node:crypto';

/** SHA-256 of the bytes in lower-case hexadecimal, as SigV4 wants a body's hash. */
export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
