/**
 * The one-time token of an address such as `/console/#token=…`. It is taken out of the address at
 * once, so that it is in no history, bookmark or screenshot.
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
