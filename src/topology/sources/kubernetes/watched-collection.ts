import type { Watch } from '@kubernetes/client-node';
import { backoffMillis } from '../../../lib/backoff.ts';
import { pause } from '../../../lib/pause.ts';
import { within } from '../../../lib/within.ts';

/** One page of a list, in the form of the Kubernetes client. */
export interface ListedPage<Listed> {
  readonly items: readonly Listed[];
  readonly metadata?:
    | { readonly resourceVersion?: string; readonly _continue?: string }
    | undefined;
}

export interface ListPosition {
  readonly limit: number;
  readonly _continue?: string;
}

export interface WatchedCollectionDeps<Listed, Item> {
  readonly path: string;
  /** Lists a page; the request ends with the signal. */
  readonly list: (position: ListPosition, signal: AbortSignal) => Promise<ListedPage<Listed>>;
  /** Makes a watch whose connection ends with the signal. */
  readonly watch: (signal: AbortSignal) => Pick<Watch, 'watch'>;
  /** The time for a page of a list or for connecting a watch; default 60,000. */
  readonly connectMillis?: number | undefined;
  /** Reduces an object to a key and the item to keep. */
  readonly read: (object: Listed) => { readonly key: string; readonly item: Item };
  /** Further objects are counted and not kept. */
  readonly maxItems: number;
  readonly random: () => number;
  /** Called when `items` changes and when a list is complete. */
  readonly onChange: () => void;
  /** Called when a list or watch fails, and with undefined once a watch is connected. */
  readonly onTrouble: (error: Error | undefined) => void;
  /** Called when the server no longer has the watched version and the list is repeated. */
  readonly onRelist: () => void;
}

const PAGE = 500;
const FIRST_PAUSE_MILLIS = 500;
const MAX_PAUSE_MILLIS = 30_000;
/**
 * The server ends a watch after 1 to 2 times this long, at random so that not all reconnect at
 * once.
 */
const WATCH_SECONDS = 300;
/** A watch that is open this long after its end is on a dead connection. */
const GRACE_SECONDS = 30;
const CONNECT_MILLIS = 60_000;

/**
 * Keeps one kind of object of a cluster current. Lists the objects in pages, then watches from the
 * version of the list, with bookmarks. A watch that ends is resumed from the last version. If the
 * server no longer has that version (410), the list is repeated, and a complete new list replaces
 * the old one. After errors it retries with growing pauses and keeps the last items.
 */
export class WatchedCollection<Listed extends object, Item> {
  readonly #deps: WatchedCollectionDeps<Listed, Item>;
  #items = new Map<string, Item>();
  #refused = 0;
  #version = '';
  #isListed = false;

  constructor(deps: WatchedCollectionDeps<Listed, Item>) {
    this.#deps = deps;
  }

  get items(): ReadonlyMap<string, Item> {
    return this.#items;
  }

  /** Whether a list is complete, so that a missing object does not exist. */
  get isListed(): boolean {
    return this.#isListed;
  }

  /** Objects not kept because of `maxItems`. */
  get refused(): number {
    return this.#refused;
  }

  /** Runs until aborted; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { random } = this.#deps;
    const options = { firstMillis: FIRST_PAUSE_MILLIS, maxMillis: MAX_PAUSE_MILLIS, random };
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        if (this.#version === '') await this.#list(signal);
        if (await this.#watch(signal)) attempt = 1;
      } catch (error) {
        if (!signal.aborted) this.#fail(error);
      }
      await pause(backoffMillis(attempt, options), signal);
    }
  }

  #fail(error: unknown): void {
    if (!isGone(error)) {
      this.#deps.onTrouble(asError(error));
      return;
    }
    this.#version = '';
    this.#deps.onRelist();
  }

  async #list(signal: AbortSignal): Promise<void> {
    const items = new Map<string, Item>();
    const positions = new Set<string | undefined>();
    let refused = 0;
    let page: ListedPage<Listed> | undefined;
    do {
      const position = page?.metadata?._continue;
      if (position !== undefined && position !== '' && positions.has(position)) {
        throw new Error('the same continue token came twice');
      }
      positions.add(position);
      page = await this.#page({ limit: PAGE, ...(position && { _continue: position }) }, signal);
      for (const object of page.items) {
        const { key, item } = this.#deps.read(object);
        if (items.size < this.#deps.maxItems) items.set(key, item);
        else refused += 1;
      }
    } while (page.metadata?._continue);
    this.#items = items;
    this.#refused = refused;
    this.#version = page.metadata?.resourceVersion ?? '';
    this.#isListed = true;
    this.#deps.onChange();
  }

  async #page(position: ListPosition, signal: AbortSignal): Promise<ListedPage<Listed>> {
    const end = new AbortController();
    try {
      const listed = this.#deps.list(position, end.signal);
      return await within(listed, { millis: this.#connectMillis, signal });
    } finally {
      end.abort();
    }
  }

  get #connectMillis(): number {
    return this.#deps.connectMillis ?? CONNECT_MILLIS;
  }

  /**
   * Watches until the server ends the watch, which is not an error. @returns whether it had events
   */
  async #watch(signal: AbortSignal): Promise<boolean> {
    const timeoutSeconds = Math.round(WATCH_SECONDS * (1 + this.#deps.random()));
    const version = this.#version;
    const query = { resourceVersion: version, allowWatchBookmarks: true, timeoutSeconds };
    const deadline = AbortSignal.timeout((timeoutSeconds + GRACE_SECONDS) * 1000);
    const cut = AbortSignal.any([signal, deadline]);
    const end = new AbortController();
    let failure: unknown;
    await new Promise<void>((resolve) => {
      const onEvent = (type: string, object: Listed & WatchedObject) => {
        if (type === 'ERROR') failure = object;
        else this.#apply(type, object);
      };
      let isConnected = false;
      let isOver = false;
      const onEnd = (error: unknown) => {
        isOver = true;
        // A lost connection is normal; only a failed connection attempt is an error.
        if (!isConnected) failure ??= error ?? undefined;
        resolve();
      };
      cut.addEventListener('abort', () => resolve(), { once: true });
      const connecting = this.#deps
        .watch(end.signal)
        .watch(this.#deps.path, query, onEvent, onEnd)
        .then((connection) => {
          end.signal.addEventListener('abort', () => connection.abort(), { once: true });
          if (end.signal.aborted) connection.abort();
        });
      within(connecting, { millis: this.#connectMillis, signal: cut }).then(() => {
        isConnected = !isOver;
        if (isConnected) this.#deps.onTrouble(undefined);
      }, onEnd);
    });
    end.abort();
    if (failure !== undefined && !cut.aborted) throw failure;
    return version !== this.#version;
  }

  #apply(type: string, object: Listed & WatchedObject): void {
    this.#version = object.metadata.resourceVersion;
    if (type === 'BOOKMARK') return;
    const { key, item } = this.#deps.read(object);
    if (type === 'DELETED') this.#items.delete(key);
    else if (this.#items.has(key) || this.#items.size < this.#deps.maxItems) {
      this.#items.set(key, item);
    } else if (type === 'ADDED') this.#refused += 1;
    this.#deps.onChange();
  }
}

interface WatchedObject {
  readonly metadata: { readonly resourceVersion: string };
}

/** Whether an error is a 410: of a list, of a refused watch, or in an ERROR event. */
function isGone(error: unknown): boolean {
  const { code, statusCode } = error as { readonly code?: unknown; readonly statusCode?: unknown };
  return code === 410 || statusCode === 410;
}

/** A one-line error: errors of the client contain the whole response, ERROR events a Status. */
function asError(error: unknown): Error {
  const { code, statusCode, body, message } = error as Partial<Record<string, unknown>>;
  const status = statusCode ?? code;
  const detail = statusMessage(body) ?? /^Message: (.*)$/m.exec(String(message))?.[1] ?? message;
  const prefix = typeof status === 'number' ? `HTTP status ${status}: ` : '';
  return new Error(`${prefix}${detail}`, { cause: error });
}

/** The message of a Status, the form in which the API server returns errors. */
function statusMessage(body: unknown): string | undefined {
  if (typeof body !== 'string') return undefined;
  try {
    return JSON.parse(body).message;
  } catch {
    return body;
  }
}
