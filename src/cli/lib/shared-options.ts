import { DESTINATION_CATEGORIES, type DestinationCategory } from '../../model/category.ts';
import { argument, option } from './option.ts';
import {
  collectTag,
  optionName,
  parseDuration,
  parseInteger,
  parseOneOf,
} from './option-parsers.ts';

export const jsonOption = option('--json', 'print JSON instead of a table');

export const tagOption = option(
  '--tag <key=value>',
  'tag of the new resource; repeatable',
  collectTag,
);

export const clientTokenOption = option(
  '--client-token <token>',
  'idempotency token: repeating the command with it creates nothing twice',
);

export const waitOption = option('--wait', 'wait until the status is SUCCEEDED');

export const scopeOption = option('--scope <id>', 'ID of the scope (default: the only scope)');

export const scopeArgument = argument('[scopeId]', 'ID of the scope (default: the only scope)');

export const accountOption = option(
  '--account <account>',
  'account to use instead of your own; only for the management account',
);

export function limitOption(rows: string, max: number, defaultValue: number) {
  return option(
    '--limit <n>',
    `maximum number of ${rows}, 1 to ${max}`,
    parseInteger(1, max),
  ).default(defaultValue);
}

/** `defaultText` is a duration, such as `1h`. */
export function sinceOption(defaultText: string) {
  const help = 'how far to look back, such as 90s, 5m, 1h or 2d';
  return option('--since <duration>', help, parseDuration).default(
    parseDuration(defaultText),
    defaultText,
  );
}

export type CategoryChoice = DestinationCategory | 'all';

export const categoryOption = option<CategoryChoice>(
  '--category <name>',
  `destination category: all, ${DESTINATION_CATEGORIES.map(optionName).join(', ')}`,
  parseOneOf<CategoryChoice>(['all', ...DESTINATION_CATEGORIES]),
).default('all', 'all');

/** `metrics` are the ones that can be asked for. */
export function metricOption<Metric extends string>(metrics: readonly Metric[]) {
  const help = `metric to rank by: ${metrics.map(optionName).join(', ')}`;
  return option('--metric <name>', help, parseOneOf(metrics)).default(
    'DATA_TRANSFERRED',
    optionName('DATA_TRANSFERRED'),
  );
}
