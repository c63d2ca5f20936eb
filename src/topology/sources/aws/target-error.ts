import type { ScopeTarget } from '../../../model/scope.ts';

const DENIED = new Set(['UnauthorizedOperation', 'AccessDenied', 'AccessDeniedException']);

/** Why a target could not be read, in words for whoever runs it, with the error as its cause. */
export function targetError(target: ScopeTarget, action: string, cause: unknown): Error {
  const { account, region } = target;
  const { name, message } = cause instanceof Error ? cause : new Error(String(cause));
  if (DENIED.has(name)) {
    return new Error(`access denied in account ${account} (${region}): ${action}`, { cause });
  }
  const kind = name === 'Error' ? '' : `${name}: `;
  const text = `cannot read account ${account} (${region}): ${action}: ${kind}${message}`;
  return new Error(text, { cause });
}
