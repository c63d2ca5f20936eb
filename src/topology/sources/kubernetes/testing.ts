import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpStandIn } from '../testing.ts';

/** An object of the API. The stand-in sets its resource version. */
export interface ApiObject {
  readonly metadata: { readonly name: string; readonly namespace?: string } & Record<
    string,
    unknown
  >;
  readonly [member: string]: unknown;
}

type EventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';

interface WatchEvent {
  readonly version: number;
  readonly line: string;
}

class Collection {
  readonly objects = new Map<string, ApiObject>();
  readonly events: WatchEvent[] = [];
  readonly watchers = new Set<ServerResponse>();
}

export const PATHS = {
  nodes: '/api/v1/nodes',
  pods: '/api/v1/pods',
  services: '/api/v1/services',
  endpointSlices: '/apis/discovery.k8s.io/v1/endpointslices',
} as const;
export type Kind = keyof typeof PATHS;

const LIST_KINDS: Readonly<Record<Kind, string>> = {
  nodes: 'NodeList',
  pods: 'PodList',
  services: 'ServiceList',
  endpointSlices: 'EndpointSliceList',
};

const TOKEN = 'stand-in';

/**
 * A stand-in for the Kubernetes API server over real HTTP: lists with `limit` and `continue`,
 * watches as lines of JSON, bookmarks, 410 for versions it no longer has, and dropped connections.
 */
export class ApiServerStandIn {
  /** Requests in order, as `LIST pods` or `WATCH pods 17`. */
  readonly requests: string[] = [];
  /** The status to refuse a request with, or `silence` to leave it open; undefined to accept it. */
  refuse: (request: string) => number | 'silence' | undefined = () => undefined;
  readonly #collections: Readonly<Record<Kind, Collection>> = {
    nodes: new Collection(),
    pods: new Collection(),
    services: new Collection(),
    endpointSlices: new Collection(),
  };
  #version = 1;
  #oldestVersion = 0;
  readonly #http = new HttpStandIn((request, response) => this.#answer(request, response));

  start(): Promise<void> {
    return this.#http.start();
  }

  stop(): Promise<void> {
    return this.#http.stop();
  }

  get connections(): number {
    return this.#http.connections;
  }

  /** The text of a kubeconfig for this server. */
  get kubeconfig(): string {
    const server = this.#http.url;
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      // The client accepts plain HTTP only with certificate checks switched off.
      clusters: [{ name: 'stand-in', cluster: { server, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'nfm', user: { token: TOKEN } }],
      contexts: [{ name: 'nfm', context: { cluster: 'stand-in', user: 'nfm' } }],
      'current-context': 'nfm',
    });
  }

  /** Adds or changes an object, and notifies the watchers. */
  put(kind: Kind, object: ApiObject): void {
    const collection = this.#collections[kind];
    const key = keyOf(object);
    const type = collection.objects.has(key) ? 'MODIFIED' : 'ADDED';
    const stored = this.#next(object);
    collection.objects.set(key, stored);
    this.#notify(kind, type, stored);
  }

  remove(kind: Kind, name: string, namespace = 'default'): void {
    const collection = this.#collections[kind];
    const key = `${kind === 'nodes' ? '' : namespace}/${name}`;
    const object = collection.objects.get(key);
    if (object === undefined) throw new Error(`the stand-in has no ${kind} ${key}`);
    collection.objects.delete(key);
    this.#notify(kind, 'DELETED', this.#next(object));
  }

  /** Sends the watchers the current version, as a server does each minute. */
  bookmark(kind: Kind): void {
    this.#notify(kind, 'BOOKMARK', this.#next({ metadata: { name: '' } }));
  }

  /** Drops the history, so that a watch from an older version gets 410. */
  compact(): void {
    this.#oldestVersion = this.#version;
    for (const { events } of Object.values(this.#collections)) events.length = 0;
  }

  /** Ends all watches, as a server restart or a lost connection does. */
  dropWatches(): void {
    for (const { watchers } of Object.values(this.#collections)) {
      for (const response of watchers) response.destroy();
    }
  }

  count(request: string): number {
    return this.requests.filter((made) => made.startsWith(request)).length;
  }

  get watching(): number {
    return Object.values(this.#collections).reduce((sum, { watchers }) => sum + watchers.size, 0);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://stand-in');
    const kind = kindOf(url.pathname);
    if (request.headers.authorization !== `Bearer ${TOKEN}`) refuse(response, 401);
    else if (kind === undefined) refuse(response, 404);
    else this.#answerKind(kind, url.searchParams, response);
  }

  #answerKind(kind: Kind, query: URLSearchParams, response: ServerResponse): void {
    const isWatch = query.get('watch') === 'true';
    const from = query.get('resourceVersion') ?? '';
    const name = isWatch ? `WATCH ${kind} ${from}` : `LIST ${kind}`;
    this.requests.push(name);
    const status = this.refuse(name);
    if (status === 'silence') return;
    if (status !== undefined) refuse(response, status);
    else if (isWatch) this.#watch(kind, Number(from), response);
    else this.#list(kind, query, response);
  }

  #next(object: ApiObject): ApiObject {
    this.#version += 1;
    const metadata = { ...object.metadata, resourceVersion: String(this.#version) };
    return { ...object, metadata };
  }

  #notify(kind: Kind, type: EventType, object: ApiObject): void {
    const collection = this.#collections[kind];
    const event = { version: this.#version, line: `${JSON.stringify({ type, object })}\n` };
    if (type !== 'BOOKMARK') collection.events.push(event);
    for (const response of collection.watchers) response.write(event.line);
  }

  #watch(kind: Kind, from: number, response: ServerResponse): void {
    const collection = this.#collections[kind];
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (from < this.#oldestVersion) {
      const message = `too old resource version: ${from} (${this.#oldestVersion})`;
      const object = { kind: 'Status', status: 'Failure', reason: 'Expired', code: 410, message };
      response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`);
      return;
    }
    for (const { version, line } of collection.events) if (version > from) response.write(line);
    collection.watchers.add(response);
    response.on('close', () => collection.watchers.delete(response));
  }

  #list(kind: Kind, query: URLSearchParams, response: ServerResponse): void {
    const [from = '0', version = String(this.#version)] = query.get('continue')?.split('/') ?? [];
    if (Number(version) < this.#oldestVersion) {
      refuse(response, 410);
      return;
    }
    const objects = [...this.#collections[kind].objects.values()];
    const to = Number(from) + Number(query.get('limit') ?? objects.length);
    const rest = to < objects.length ? { continue: `${to}/${version}` } : {};
    const list = {
      kind: LIST_KINDS[kind],
      metadata: { resourceVersion: version, ...rest },
      items: objects.slice(Number(from), to),
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(list));
  }
}

function kindOf(path: string): Kind | undefined {
  return (Object.keys(PATHS) as Kind[]).find((kind) => PATHS[kind] === path);
}

function keyOf({ metadata }: ApiObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

function refuse(response: ServerResponse, code: number): void {
  const status = { kind: 'Status', status: 'Failure', code, message: `refused with ${code}` };
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(status));
}
