import { SECONDS_A_DAY } from '../../lib/durations.ts';
import { CliError } from './cli-error.ts';
import type { Parser } from './option.ts';

const SECONDS_OF: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: SECONDS_A_DAY };

/** `90s`, `5m`, `1h`, `2d` → seconds. */
export function parseDuration(text: string): number {
  const [, amount = '', unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const seconds = Number(amount) * (SECONDS_OF[unit] ?? 0);
  if (seconds === 0) throw new CliError('must be a duration such as 90s, 5m, 1h or 2d');
  return seconds;
}

export function parseInteger(min: number, max: number): Parser<number> {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) {
      throw new CliError(`must be an integer from ${min} to ${max}`);
    }
    return value;
  };
}

/** A value by its name on the command line: `DATA_TRANSFERRED` is `data-transferred`. */
export function optionName(value: string): string {
  return value.toLowerCase().replaceAll('_', '-');
}

/** Accepts names as on the command line and as in the API, in upper or lower case. */
export function parseOneOf<Value extends string>(values: readonly Value[]): Parser<Value> {
  return (text) => {
    const found = values.find((value) => optionName(value) === optionName(text));
    if (found === undefined) {
      throw new CliError(`must be one of ${values.map(optionName).join(', ')}`);
    }
    return found;
  };
}

export type Tags = Readonly<Record<string, string>>;

/** Adds one `KEY=VALUE` to the tags before it. */
export function collectTag(text: string, previous: Tags = {}): Tags {
  const [key = '', ...rest] = text.split('=');
  if (key === '' || rest.length === 0) throw new CliError('must be KEY=VALUE');
  return { ...previous, [key]: rest.join('=') };
}
