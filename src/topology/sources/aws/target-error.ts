import type { ScopeTarget } from '../../../model/scope.ts';

const DENIED = new Set(['UnauthorizedOperation', 'AccessDenied', 'AccessDeniedException']);

/** An error for the operator, with the target, the call that failed and the cause. */
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
