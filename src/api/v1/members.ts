import type { RawRequest } from '../../model/http.ts';
import { readJsonBody } from '../json-body.ts';
import { invalid } from './query-parameters.ts';

const MAX_TEXT = 256;

/**
 * The members of the JSON body of a request below `/api/v1/`, each read by its type.
 *
 * @throws ApiError ValidationException naming the member and what it takes, SerializationException
 */
export class Members {
  readonly #members: Readonly<Record<string, unknown>>;

  /** Every name the request takes; others are refused. */
  constructor(request: RawRequest, names: readonly string[]) {
    this.#members = readJsonBody(request);
    const unknown = Object.keys(this.#members).find((name) => !names.includes(name));
    if (unknown === undefined) return;
    throw invalid(`${unknown}: is not taken; ${names.join(', ')} are`);
  }

  /** As it was sent; undefined when it was not. */
  raw(name: string): unknown {
    return this.#members[name] ?? undefined;
  }

  /** At most 256 characters without control characters. */
  text(name: string): string | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    const isText = typeof value === 'string' && value.length <= MAX_TEXT;
    if (isText && !/\p{Cc}/u.test(value)) return value;
    throw invalid(`${name}: text of at most ${MAX_TEXT} characters is taken`);
  }

  choice<Value extends string>(name: string, values: readonly Value[]): Value | undefined {
    const given = this.raw(name);
    if (given === undefined) return undefined;
    const value = values.find((known) => known === given);
    if (value !== undefined) return value;
    throw invalid(`${name}: one of ${values.join(', ')} is taken`);
  }

  /** 12 digits. */
  account(name: string): string | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value === 'string' && /^\d{12}$/.test(value)) return value;
    throw invalid(`${name}: an account of 12 digits is taken, as text`);
  }

  flag(name: string): boolean | undefined {
    const value = this.raw(name);
    if (value === undefined || typeof value === 'boolean') return value;
    throw invalid(`${name}: true or false is taken`);
  }
}
