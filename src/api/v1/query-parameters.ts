import { canonicalAddress } from '../../model/address.ts';
import { ApiError } from '../../model/api-error.ts';
import { DESTINATION_CATEGORIES, type DestinationCategory } from '../../model/category.ts';
import type { RawRequest } from '../../model/http.ts';

const DEFAULT_RANGE_SECONDS = 3600;
/** DateTime ends in 2106. */
const MAX_SECONDS = 2 ** 32;

/**
 * The query parameters of a request below `/api/v1/`, each read by its type.
 *
 * @throws ApiError ValidationException naming the parameter and what it takes
 */
export class QueryParameters {
  readonly #query: URLSearchParams;

  /** Every name the path takes; others are refused, as are repeated ones. */
  constructor(request: RawRequest, names: readonly string[]) {
    this.#query = new URLSearchParams(request.target.split('?')[1] ?? '');
    for (const key of this.#query.keys()) {
      if (!names.includes(key)) throw invalid(`${key}: is not taken; ${names.join(', ')} are`);
      if (this.#query.getAll(key).length > 1) throw invalid(`${key}: is taken once`);
    }
  }

  /**
   * `start` and `end`, ISO 8601, as whole seconds since 1970. The default is the hour that ends a
   * minute from now, so that reports of hosts whose clocks are ahead are in it.
   */
  range(nowMillis: number): { readonly startSeconds: number; readonly endSeconds: number } {
    const endSeconds = this.time('end') ?? Math.ceil(nowMillis / 1000) + 60;
    const startSeconds = this.time('start') ?? Math.max(0, endSeconds - DEFAULT_RANGE_SECONDS);
    if (startSeconds >= endSeconds) throw invalid('start: must be before end');
    return { startSeconds, endSeconds };
  }

  integer(name: string, [min, max]: readonly [number, number]): number | undefined {
    const text = this.#query.get(name);
    if (text === null) return undefined;
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw invalid(`${name}: a whole number from ${min} to ${max} is taken`);
  }

  /** IPv4 or IPv6, as canonical text. */
  address(name: string): string | undefined {
    const text = this.#query.get(name);
    if (text === null) return undefined;
    const address = canonicalAddress(text);
    if (address !== undefined) return address;
    throw invalid(`${name}: an IPv4 or IPv6 address is taken`);
  }

  text(name: string): string | undefined {
    return this.#query.get(name) ?? undefined;
  }

  /** 12 digits. */
  account(name: string): string | undefined {
    const text = this.#query.get(name);
    if (text === null || /^\d{12}$/.test(text)) return text ?? undefined;
    throw invalid(`${name}: an account of 12 digits is taken`);
  }

  choice<Value extends string>(name: string, values: readonly Value[]): Value | undefined {
    const text = this.#query.get(name);
    if (text === null) return undefined;
    const value = values.find((known) => known === text);
    if (value !== undefined) return value;
    throw invalid(`${name}: one of ${values.join(', ')} is taken`);
  }

  category(): DestinationCategory | undefined {
    return this.choice('category', DESTINATION_CATEGORIES);
  }

  /** ISO 8601, as whole seconds since 1970. */
  time(name: string): number | undefined {
    const text = this.#query.get(name);
    if (text === null) return undefined;
    const seconds = Math.floor(Date.parse(text) / 1000);
    if (seconds >= 0 && seconds < MAX_SECONDS) return seconds;
    throw invalid(`${name}: an ISO 8601 time is taken, such as 2026-01-31T12:00:00Z`);
  }
}

export function invalid(message: string): ApiError {
  return new ApiError('ValidationException', message);
}
