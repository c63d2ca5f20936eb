import { LateError } from '../../../lib/within.ts';
import { InconclusiveError } from '../../../model/inconclusive-error.ts';
import type { ScopeTarget } from '../../../model/scope.ts';

const DENIED = new Set(['UnauthorizedOperation', 'AccessDenied', 'AccessDeniedException']);
/** AWS's error codes for overload, which are no conclusion about a target. */
const OVERLOADED =
  /^(?:.*Throttl.*|RequestLimitExceeded|SlowDown|Internal\w*|.*Unavailable|TimeoutError|AbortError)$/;

/** Whether AWS answered that the caller may not make the call. */
export function isDenied(cause: unknown): boolean {
  return cause instanceof Error && DENIED.has(cause.name);
}

export function deniedMessage({ account, region }: ScopeTarget, actions: readonly string[]) {
  return `access denied in account ${account} (${region}): ${actions.join(', ')}`;
}

/**
 * An error for the operator, with the target, the call that failed and the cause. It is an
 * InconclusiveError if a repetition may succeed.
 */
export function targetError(target: ScopeTarget, action: string, cause: unknown): Error {
  if (isDenied(cause)) return new Error(deniedMessage(target, [action]), { cause });
  const { account, region } = target;
  const text = `cannot read account ${account} (${region}): ${action}: ${reasonOf(cause)}`;
  return isInconclusive(cause)
    ? new InconclusiveError(text, { cause })
    : new Error(text, { cause });
}

/** The members by which the SDK and Node describe an error. */
interface ErrorParts {
  readonly name: string;
  readonly message: string;
  /** Node's code, such as ECONNREFUSED. */
  readonly code?: unknown;
  readonly status?: number | undefined;
}

function partsOf(cause: unknown): ErrorParts {
  if (!(cause instanceof Error)) return { name: 'Error', message: String(cause) };
  const { name, message, code, $metadata, $response } = cause as SdkError;
  return { name, message, code, status: $metadata?.httpStatusCode ?? $response?.statusCode };
}

interface SdkError extends Error {
  readonly code?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly statusCode?: number };
}

/**
 * The cause as text. If the SDK cannot read an answer, it writes "Unknown: UnknownError" or a hint
 * for its developers.
 */
function reasonOf(cause: unknown): string {
  const { name, message, code, status } = partsOf(cause);
  const isUnread =
    /^Unknown/.test(name) || /^Unknown/.test(message) || /hidden field/.test(message);
  if (isUnread) {
    const answer = status === undefined ? 'the answer' : `the answer, HTTP status ${status},`;
    return `${answer} is not one of AWS`;
  }
  const text = message || (typeof code === 'string' ? code : '') || name;
  const isPlain = name === 'Error' || name === 'LateError' || name === text;
  return isPlain ? text : `${name}: ${text}`;
}

function isInconclusive(cause: unknown): boolean {
  for (let at = cause, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    const { name, code, status = 0 } = partsOf(at);
    if (at instanceof LateError || OVERLOADED.test(name)) return true;
    if (status >= 500 || status === 429) return true;
    if (typeof code === 'string' && /^E[A-Z_]+$/.test(code)) return true;
  }
  return false;
}
