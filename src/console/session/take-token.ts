/**
 * Removes the one-time token from an address such as `/console/#token=…` and returns it. The token
 * must not stay in the history, a bookmark or a screenshot.
 */
export function takeToken(
  location: Pick<Location, 'hash' | 'pathname' | 'search'>,
  history: Pick<History, 'replaceState' | 'state'>,
): string | undefined {
  const token = new URLSearchParams(location.hash.replace(/^#/, '')).get('token');
  if (token === null) return undefined;
  history.replaceState(history.state, '', location.pathname + location.search);
  return token === '' ? undefined : token;
}
