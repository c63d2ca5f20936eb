import { type ConstructClassName, classOf } from './construct-class.ts';

/** The constructs that cells traverse. `path`, `host` and `remote` of a cell hold their indexes. */
export interface Constructs {
  /** `class:id`. The same in every window. */
  readonly names: readonly string[];
  readonly classes: readonly ConstructClassName[];
  /** Hosts: `WITHIN_LIMITS`, `LIMITED` or `LIMITS_UNKNOWN`. */
  readonly limited: Uint8Array;
  /** When the topology around it last changed, in seconds since 1970. 0: it never did. */
  readonly changedSeconds: Float64Array;
  /** 0: some of the construct's cells are missing here, so it is not blamed. */
  readonly eligible: Uint8Array;
  /** 1: an alarm of an earlier window is still open. */
  readonly alarmed: Uint8Array;
}

/** No allowance counter of the host rose in the window. */
export const WITHIN_LIMITS = 0;
/** An allowance counter of the host rose in the window. */
export const LIMITED = 1;
/** The host reported no allowance counters. */
export const LIMITS_UNKNOWN = 2;

/** Input of `buildConstructs`. */
export interface ConstructParts {
  readonly names: readonly string[];
  readonly classes: readonly ConstructClassName[];
  /** Absent: `LIMITS_UNKNOWN`. */
  readonly limited?: ((construct: number) => number) | undefined;
  /** Absent: 0. */
  readonly changedSeconds?: ((construct: number) => number) | undefined;
  /** Absent: every construct is eligible. */
  readonly isEligible?: ((construct: number) => boolean) | undefined;
  /** Names of the constructs under alarm. */
  readonly alarmed?: ReadonlySet<string> | undefined;
}

export function buildConstructs(parts: ConstructParts): Constructs {
  const { names, classes, limited, changedSeconds, isEligible, alarmed } = parts;
  const { length } = names;
  return {
    names,
    classes,
    limited: Uint8Array.from({ length }, (_, c) => limited?.(c) ?? LIMITS_UNKNOWN),
    changedSeconds: Float64Array.from({ length }, (_, c) => changedSeconds?.(c) ?? 0),
    eligible: Uint8Array.from({ length }, (_, c) => Number(isEligible?.(c) ?? true)),
    alarmed: Uint8Array.from(names, (name) => Number(alarmed?.has(name) ?? false)),
  };
}

/** The name of a construct by its index. */
export function nameAt({ names }: Constructs, construct: number): string {
  return names[construct] ?? '';
}

/** The class of a construct by its index, with its role. */
export function classAt({ classes }: Constructs, construct: number) {
  const name = classes[construct] ?? 'host';
  return { name, ...classOf(name) };
}

/** The id in a construct's name `class:id`. */
export function idOf(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}
