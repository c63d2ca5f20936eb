import { invalid } from '../../model/api-error.ts';
import { isAccountId } from '../../model/owner.ts';

/** Throws ValidationException if a name is not expected. `what` is "parameter" or "member". */
export function refuseUnknown(
  what: string,
  names: Iterable<string>,
  expected: readonly string[],
): void {
  for (const name of names) {
    if (expected.includes(name)) continue;
    const hint = expected.length === 0 ? 'none is expected' : `expected ${eitherOf(expected)}`;
    throw invalid(`unknown ${what} ${name}; ${hint}`);
  }
}

export function readChoice<Choice extends string>(
  name: string,
  value: unknown,
  choices: readonly Choice[],
): Choice {
  const choice = choices.find((one) => one === value);
  if (choice === undefined) throw invalid(`${name} must be ${eitherOf(choices)}`);
  return choice;
}

export function readAccountId(name: string, value: unknown): string {
  if (typeof value === 'string' && isAccountId(value)) return value;
  throw invalid(`${name} must be a string of 12 digits`);
}

/** Throws ValidationException if a value is missing. */
export function required<Value>(name: string, value: Value | undefined): Value {
  if (value === undefined) throw invalid(`${name} is required`);
  return value;
}

/** "a", "a or b", "a, b or c". */
function eitherOf(names: readonly string[]): string {
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} or ${last}`;
}
