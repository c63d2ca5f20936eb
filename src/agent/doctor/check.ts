import { errorMessage } from '../../lib/error-details.ts';
/**
 * What was found of one thing the agent needs. `FAIL`: it will not work. `WARN`: it works with less,
 * or it cannot be told from here.
 */
export interface Check {
  readonly name: string;
  readonly status: 'OK' | 'WARN' | 'FAIL';
  /** What was found. */
  readonly found: string;
  /** What to do about it; always there unless it is OK. */
  readonly todo?: string;
}

/** A question to this host: `cannotTell` is no `no`. */
export type Answer<Value> =
  | { readonly is: 'yes'; readonly value: Value }
  | { readonly is: 'no'; readonly reason: string }
  | { readonly is: 'cannotTell'; readonly reason: string };

/** Asks by trying: what is not there is a no, what may not be looked at cannot be told. */
export function tryTo<Value>(act: () => Value): Answer<Value> {
  try {
    return { is: 'yes', value: act() };
  } catch (error) {
    const reason = errorMessage(error);
    const { code } = error as NodeJS.ErrnoException;
    return { is: code === 'EACCES' || code === 'EPERM' ? 'cannotTell' : 'no', reason };
  }
}

export interface CheckTexts<Value> {
  readonly name: string;
  readonly yes: (value: Value) => string;
  /** What a no means for the agent. */
  readonly no: 'WARN' | 'FAIL';
  readonly todo: string;
}

/** The check an answer makes. */
export function checkOf<Value>(answer: Answer<Value>, texts: CheckTexts<Value>): Check {
  const { name, todo } = texts;
  switch (answer.is) {
    case 'yes':
      return { name, status: 'OK', found: texts.yes(answer.value) };
    case 'no':
      return { name, status: texts.no, found: answer.reason, todo };
    case 'cannotTell':
      return { name, status: 'WARN', found: `cannot tell: ${answer.reason}`, todo };
  }
}
