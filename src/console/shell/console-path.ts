/** The server serves the console below this path. */
const BASE = '/console';

/** The address of a page: `/monitors/web` is at `/console/monitors/web`. */
export function hrefOf(path: string): string {
  return BASE + path;
}

/** The path of a page in a location's pathname; the inverse of `hrefOf`. */
export function pathOf(pathname: string): string {
  return pathname.startsWith(BASE) ? pathname.slice(BASE.length) : pathname;
}
