import { InvalidArgumentError, Option } from 'commander';

/**
 * An option of the agent. One entry of the table in options.ts gives its flags, its environment
 * name, its help and its row of docs/reference/agent.md.
 */
export interface AgentOption<Value> {
  /** `-s, --publish-secs <n>`; flags without `<…>` take no value. */
  readonly flags: string;
  readonly help: string;
  /** Added to `help` on the reference page only. */
  readonly note?: string;
  /** The existing open agent does not have it. */
  readonly isOurs?: true;
  /** Accepted values, as the page shows them. */
  readonly values: string;
  readonly fallback: Value;
  /** The default as text; absent when there is none. */
  readonly fallbackText?: string;
  /** @throws InvalidArgumentError */
  readonly parse: (text: string) => Value;
}

type Description = Pick<AgentOption<unknown>, 'flags' | 'help' | 'note' | 'isOurs'>;

/** A text that may be absent. `fallbackText` names the value that then applies. */
export function textOption(
  description: Description & { readonly fallbackText?: string },
): AgentOption<string | undefined> {
  const values = placeholderOf(description.flags);
  return { ...description, values, fallback: undefined, parse: (text) => text };
}

export function textOptionOr(
  fallback: string,
  description: Description & { readonly isEmptyDefault?: true },
): AgentOption<string> {
  const { isEmptyDefault, ...rest } = description;
  return {
    ...rest,
    values: placeholderOf(rest.flags),
    fallback,
    fallbackText: fallback,
    parse: (text) => (isEmptyDefault && text === '' ? fallback : text),
  };
}

/** An http or https URL. */
export function urlOption(
  description: Description & { readonly fallbackText?: string; readonly isEmptyNone?: true },
): AgentOption<URL | undefined> {
  const { isEmptyNone, ...rest } = description;
  const parse = (text: string) => (isEmptyNone && text === '' ? undefined : parseUrl(text));
  return { ...rest, values: 'URL', fallback: undefined, parse };
}

export interface IntegerDescription extends Description {
  readonly range: readonly [min: number, max: number];
  readonly fallback: number;
  /** The number given is multiplied by this to give the option's value. */
  readonly factor?: number;
}

export function integerOption(description: IntegerDescription): AgentOption<number> {
  const { range, fallback, factor = 1, ...rest } = description;
  const [min, max] = range;
  return {
    ...rest,
    values: `${min} to ${max}`,
    fallback: fallback * factor,
    fallbackText: String(fallback),
    parse: (text) => {
      const number = Number(text);
      if (/^\d+$/.test(text) && number >= min && number <= max) return number * factor;
      throw new InvalidArgumentError(`Must be an integer from ${min} to ${max}.`);
    },
  };
}

/** A choice of words; the first is the default. */
export function choiceOption<const Choice extends string>(
  choices: readonly [Choice, ...Choice[]],
  description: Description,
): AgentOption<Choice> {
  const [first] = choices;
  return {
    ...description,
    values: choices.map((choice) => `\`${choice}\``).join(', '),
    fallback: first,
    fallbackText: first,
    parse: (text) => {
      const choice = choices.find((one) => one === text);
      if (choice !== undefined) return choice;
      throw new InvalidArgumentError(`Must be ${choices.join(' or ')}.`);
    },
  };
}

/** `on` or `off`. */
export function switchOption(
  fallback: 'on' | 'off',
  description: Description,
): AgentOption<boolean> {
  const words = fallback === 'on' ? (['on', 'off'] as const) : (['off', 'on'] as const);
  const { parse, ...rest } = choiceOption(words, description);
  return { ...rest, fallback: fallback === 'on', parse: (text) => parse(text) === 'on' };
}

/** An option without a value: true if given, else false. It has no environment variable. */
export function flagOption(description: Description): AgentOption<boolean> {
  return { ...description, values: '', fallback: false, parse: () => true };
}

/** `--publish-secs` → `NFM_AGENT_PUBLISH_SECS`; undefined for a flag without a value. */
export function environmentName({ flags, values }: AgentOption<unknown>): string | undefined {
  if (values === '') return undefined;
  const long = /--([a-z-]+)/.exec(flags)?.[1] ?? '';
  return `NFM_AGENT_${long.replaceAll('-', '_').toUpperCase()}`;
}

/**
 * Creates the option for commander. `parse` results are wrapped in arrays, because commander
 * replaces undefined by "".
 */
export function commanderOption(option: AgentOption<unknown>): Option {
  const { flags, help, values, fallback, fallbackText, parse } = option;
  const isShown = values !== '' && values !== 'URL' && values !== placeholderOf(flags);
  const one = new Option(flags, isShown ? `${help}: ${values.replaceAll('`', '')}` : help);
  if (fallbackText !== undefined) one.default([fallback], fallbackText);
  const environment = environmentName(option);
  if (environment === undefined) return one;
  return one.env(environment).argParser((text: string) => [parse(text)]);
}

/** The option's value among those that commander has parsed. */
export function optionValue(option: AgentOption<unknown>, parsed: unknown): unknown {
  return Array.isArray(parsed) ? parsed[0] : (parsed ?? option.fallback);
}

/** The option's row of docs/reference/agent.md. */
export function referenceRow(option: AgentOption<unknown>): string {
  const { flags, help, note, isOurs, values, fallbackText = '' } = option;
  const names = flags.replace(/ <.*>$/, '').split(', ');
  const cells = [
    `${names.map((name) => `\`${name}\``).join(', ')}${isOurs ? '*' : ''}`,
    environmentName(option)?.replace(/.*/, '`$&`') ?? '',
    values,
    fallbackText,
    note === undefined ? help : `${help}; ${note}`,
  ];
  return `| ${cells.join(' | ')} |`;
}

/** `path` of `--cgroup <path>`. */
function placeholderOf(flags: string): string {
  return /<(.*)>$/.exec(flags)?.[1] ?? '';
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text)) throw new InvalidArgumentError('Must be an absolute URL.');
  const url = new URL(text);
  if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  throw new InvalidArgumentError('Must begin with http:// or https://.');
}
