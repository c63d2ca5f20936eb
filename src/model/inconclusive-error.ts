/**
 * A reading that did not end, because of a timeout, a refused connection or an overloaded service.
 * It decides nothing: a repetition may succeed without any change of settings.
 */
export class InconclusiveError extends Error {
  override readonly name = 'InconclusiveError';
}
