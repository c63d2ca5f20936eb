/** The library comes without types. */
declare module 'proxy-from-env' {
  /** The proxy HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY name for a URL, or "". */
  export function getProxyForUrl(url: string): string;
}
