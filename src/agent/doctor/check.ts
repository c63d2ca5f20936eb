import { errorMessage } from '../../lib/error-details.ts';
/**
 * The result of a check of one requirement. `FAIL`: the agent will not work. `WARN`: it works with
 * less, or the check is inconclusive.
 */
export interface Check {
  readonly name: string;
  readonly status: 'OK' | 'WARN' | 'FAIL';
  readonly found: string;
  /** The remedy; present unless the status is OK. */
  readonly todo?: string;
}

/** The result of a probe; `inconclusive` does not mean no. */
export type ProbeResult<Value> =
  | { readonly is: 'yes'; readonly value: Value }
  | { readonly is: 'no'; readonly reason: string }
  | { readonly is: 'inconclusive'; readonly reason: string };

/** Probes by trying: an error means no, but a missing right (EACCES, EPERM) is inconclusive. */
export function tryTo<Value>(act: () => Value): ProbeResult<Value> {
  try {
    return { is: 'yes', value: act() };
  } catch (error) {
    const reason = errorMessage(error);
    const { code } = error as NodeJS.ErrnoException;
    return { is: code === 'EACCES' || code === 'EPERM' ? 'inconclusive' : 'no', reason };
  }
}

export interface CheckTexts<Value> {
  readonly name: string;
  readonly yes: (value: Value) => string;
  /** The status if the probe's result is `no`. */
  readonly no: 'WARN' | 'FAIL';
  readonly todo: string;
}

/** The check of a probe's result. */
export function checkOf<Value>(probe: ProbeResult<Value>, texts: CheckTexts<Value>): Check {
  const { name, todo } = texts;
  switch (probe.is) {
    case 'yes':
      return { name, status: 'OK', found: texts.yes(probe.value) };
    case 'no':
      return { name, status: texts.no, found: probe.reason, todo };
    case 'inconclusive':
      return { name, status: 'WARN', found: `cannot check: ${probe.reason}`, todo };
  }
}
