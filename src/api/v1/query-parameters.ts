import { canonicalAddress } from '../../model/address.ts';
import { invalid } from '../../model/api-error.ts';
import { DESTINATION_CATEGORIES, type DestinationCategory } from '../../model/category.ts';
import type { RawRequest } from '../../model/http.ts';
import { readAccountId, readChoice, refuseUnknown } from './read-value.ts';

const DEFAULT_RANGE_SECONDS = 3600;
/** ClickHouse's DateTime ends in 2106. */
const MAX_SECONDS = 2 ** 32;

/**
 * Reads the query parameters of a request by type. An absent parameter is undefined.
 *
 * @throws ApiError ValidationException that names the parameter and what it must be
 */
export class QueryParameters {
  readonly #query: URLSearchParams;

  constructor(request: RawRequest, expected: readonly string[]) {
    this.#query = new URLSearchParams(request.target.split('?')[1] ?? '');
    refuseUnknown('parameter', this.#query.keys(), expected);
    for (const name of this.#query.keys()) {
      if (this.#query.getAll(name).length > 1) throw invalid(`${name} must be given only once`);
    }
  }

  /**
   * The half-open range from `start` to `end` in whole seconds since 1970. The default range is
   * the hour that ends a minute from now: it includes reports of hosts whose clocks are ahead.
   */
  range(nowMillis: number): { readonly startSeconds: number; readonly endSeconds: number } {
    const endSeconds = this.time('end') ?? Math.ceil(nowMillis / 1000) + 60;
    const startSeconds = this.time('start') ?? Math.max(0, endSeconds - DEFAULT_RANGE_SECONDS);
    if (startSeconds >= endSeconds) throw invalid('start must be before end');
    return { startSeconds, endSeconds };
  }

  integer(name: string, [min, max]: readonly [number, number]): number | undefined {
    return this.#read(name, (text) => {
      const value = Number(text);
      if (/^\d+$/.test(text) && value >= min && value <= max) return value;
      throw invalid(`${name} must be an integer from ${min} to ${max}`);
    });
  }

  /** An IPv4 or IPv6 address in canonical form. */
  address(name: string): string | undefined {
    return this.#read(name, (text) => {
      const address = canonicalAddress(text);
      if (address !== undefined) return address;
      throw invalid(`${name} must be an IPv4 or IPv6 address`);
    });
  }

  text(name: string): string | undefined {
    return this.#query.get(name) ?? undefined;
  }

  accountId(name: string): string | undefined {
    return this.#read(name, (text) => readAccountId(name, text));
  }

  choice<Choice extends string>(name: string, choices: readonly Choice[]): Choice | undefined {
    return this.#read(name, (text) => readChoice(name, text, choices));
  }

  category(): DestinationCategory | undefined {
    return this.choice('category', DESTINATION_CATEGORIES);
  }

  /** An ISO 8601 time in whole seconds since 1970. */
  time(name: string): number | undefined {
    return this.#read(name, (text) => {
      const seconds = Math.floor(Date.parse(text) / 1000);
      if (seconds >= 0 && seconds < MAX_SECONDS) return seconds;
      throw invalid(`${name} must be an ISO 8601 time such as 2026-01-31T12:00:00Z`);
    });
  }

  #read<Value>(name: string, parse: (text: string) => Value): Value | undefined {
    const text = this.#query.get(name);
    return text === null ? undefined : parse(text);
  }
}
