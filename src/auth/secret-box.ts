import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { MasterKey, RandomBytes } from './master-key.ts';

const ALGORITHM = 'aes-256-gcm';
/** 12 random bytes are safe for 2^32 secrets under one key (NIST SP 800-38D, 8.2). */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts secrets for the database (AES-256-GCM). Each secret is bound to a name, so it cannot be
 * moved to another row. The database alone reveals no secret; together with the master key it
 * reveals all.
 */
export class SecretBox {
  readonly #key: MasterKey;
  readonly #random: RandomBytes;

  constructor(deps: { readonly key: MasterKey; readonly random: RandomBytes }) {
    this.#key = deps.key;
    this.#random = deps.random;
  }

  /** Returns base64 of nonce, tag and ciphertext. */
  seal(name: string, secret: string): string {
    const nonce = this.#random(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#key, nonce).setAAD(Buffer.from(name));
    const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64');
  }

  /** Throws if the text was changed, or sealed under another master key or name. */
  open(name: string, sealed: string): string {
    try {
      const bytes = Buffer.from(sealed, 'base64');
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
      const options = { authTagLength: TAG_BYTES };
      const decipher = createDecipheriv(ALGORITHM, this.#key, nonce, options)
        .setAAD(Buffer.from(name))
        .setAuthTag(tag);
      const text = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES));
      return Buffer.concat([text, decipher.final()]).toString('utf8');
    } catch (cause) {
      throw new Error(`cannot decrypt the secret of ${name}: is it the right master key?`, {
        cause,
      });
    }
  }
}
