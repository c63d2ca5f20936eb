import { Argument, Option } from 'commander';
import { CliError } from './cli-error.ts';

/**
 * Turns the text of an option or argument into a value. `previous` is the value of the occurrences
 * before it. A text that does not fit is a CliError whose message starts with "must be".
 */
export type Parser<Value> = (text: string, previous?: Value) => Value;

/** An option of a command, such as `--limit <rows>`. */
export function option<Value>(flags: string, help: string, parse?: Parser<Value>): Option {
  const made = new Option(flags, help);
  return parse === undefined ? made : made.argParser(withName(made.long ?? flags, parse));
}

/** An argument of a command: `<name>` is required, `[name]` optional, `<names...>` repeatable. */
export function argument<Value>(name: string, help: string, parse?: Parser<Value>): Argument {
  const made = new Argument(name, help);
  return parse === undefined ? made : made.argParser(withName(made.name(), parse));
}

/** Puts the option before the parser's message and the rejected text behind it. */
function withName<Value>(name: string, parse: Parser<Value>): Parser<Value> {
  return (text, previous) => {
    try {
      return parse(text, previous);
    } catch (cause) {
      if (!(cause instanceof CliError)) throw cause;
      throw new CliError(`${name} ${cause.message}; got '${text}'`, { cause });
    }
  };
}
