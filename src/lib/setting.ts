/**
 * A setting of the server. One entry of a table gives its flag, environment name, key in the
 * settings file, type and help.
 */
export interface Setting<Kind extends 'string' | 'integer' | 'boolean'> {
  readonly kind: Kind;
  readonly fallback: Kind extends 'string' ? string : Kind extends 'integer' ? number : boolean;
  readonly help: string;
  readonly secret?: true;
  /** The smallest and the greatest valid integer. */
  readonly range?: readonly [number, number];
}

export type AnySetting = Setting<'string'> | Setting<'integer'> | Setting<'boolean'>;

/** The values of a settings table, by key. */
export type SettingValues<Table extends Readonly<Record<string, AnySetting>>> = {
  readonly [Key in keyof Table]: Table[Key]['fallback'] extends string
    ? string
    : Table[Key]['fallback'] extends number
      ? number
      : boolean;
};

export function textSetting(fallback: string, help: string): Setting<'string'> {
  return { kind: 'string', fallback, help };
}

export function integerSetting(
  fallback: number,
  help: string,
  range: readonly [number, number],
): Setting<'integer'> {
  return { kind: 'integer', fallback, help, range };
}

export function booleanSetting(help: string): Setting<'boolean'> {
  return { kind: 'boolean', fallback: false, help };
}

/** Splits a comma-separated setting into its items. */
export function listOf(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
