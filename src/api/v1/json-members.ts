import { invalid } from '../../model/api-error.ts';
import type { RawRequest } from '../../model/http.ts';
import { readJsonBody } from '../json-body.ts';
import { readAccountId, readChoice, refuseUnknown } from './read-value.ts';

const MAX_TEXT = 256;

/**
 * Reads the members of a JSON body by type. An absent or null member is undefined.
 *
 * @throws ApiError ValidationException that names the member and what it must be,
 *   SerializationException
 */
export class JsonMembers {
  readonly #members: Readonly<Record<string, unknown>>;

  constructor(request: RawRequest, expected: readonly string[]) {
    this.#members = readJsonBody(request);
    refuseUnknown('member', Object.keys(this.#members), expected);
  }

  raw(name: string): unknown {
    return this.#members[name] ?? undefined;
  }

  text(name: string): string | undefined {
    return this.#read(name, (value) => {
      const isText = typeof value === 'string' && value.length <= MAX_TEXT;
      if (isText && !/\p{Cc}/u.test(value)) return value;
      const form = `a string of at most ${MAX_TEXT} characters without control characters`;
      throw invalid(`${name} must be ${form}`);
    });
  }

  choice<Choice extends string>(name: string, choices: readonly Choice[]): Choice | undefined {
    return this.#read(name, (value) => readChoice(name, value, choices));
  }

  accountId(name: string): string | undefined {
    return this.#read(name, (value) => readAccountId(name, value));
  }

  flag(name: string): boolean | undefined {
    return this.#read(name, (value) => {
      if (typeof value === 'boolean') return value;
      throw invalid(`${name} must be true or false`);
    });
  }

  #read<Value>(name: string, parse: (value: unknown) => Value): Value | undefined {
    const value = this.raw(name);
    return value === undefined ? undefined : parse(value);
  }
}
