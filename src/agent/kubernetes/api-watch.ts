import { type Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { backoffMillis } from '../../lib/backoff.ts';
import type { Log } from '../../lib/log.ts';
import { Loop } from '../../lib/loop.ts';
import { type ApiObject, parseEvent, parseList } from './api-object.ts';

const MAX_LIST_BYTES = 64 * 1024 * 1024;
/** etcd rejects objects of more than 1.5 MB. */
const MAX_LINE = 4 * 1024 * 1024;
const WATCH_SECONDS = 300;
const LIST_TIMEOUT_MILLIS = 20_000;
const RETRY = { firstMillis: 1_000, maxMillis: 60_000 };

export interface ApiAccess {
  /** The API server, without a path. */
  readonly url: URL;
  /** Each watch holds one connection. */
  readonly connections: HttpAgent;
  /** Called for each request, because the kubelet renews the token. */
  readonly token: () => Promise<string>;
  readonly log: Log;
  /** 0 to 1 (exclusive), uniform. */
  readonly random: () => number;
}

export interface ApiWatchDeps<T> {
  readonly access: ApiAccess;
  /** For example `/api/v1/pods`. */
  readonly path: string;
  readonly fieldSelector?: string;
  /** Extracts the part of an object to keep. */
  readonly parse: (object: ApiObject) => T;
  /** The largest number of objects to keep. */
  readonly max: number;
  /** Called after each change with all current objects. */
  readonly onChange: (objects: readonly T[]) => void;
}

/**
 * Follows the objects of one kind: lists them, then watches for changes, and lists them again when
 * the watch fails (Kubernetes API concepts, "efficient detection of changes").
 */
export class ApiWatch<T> {
  readonly #deps: ApiWatchDeps<T>;
  readonly #loop = new Loop({
    round: () => this.#listOrWatch(),
    everyMillis: 0,
    retryMillis: (failures) =>
      backoffMillis(failures, { ...RETRY, random: this.#deps.access.random }),
    onError: (error) => this.#onFailure(error),
  });
  #objects: ReadonlyMap<string, T> = new Map();
  /** The version at which the watch continues; undefined when the objects must be listed first. */
  #version: string | undefined;

  constructor(deps: ApiWatchDeps<T>) {
    this.#deps = deps;
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #listOrWatch(): Promise<void> {
    this.#version =
      this.#version === undefined ? await this.#list() : await this.#watch(this.#version);
  }

  #onFailure(error: unknown): void {
    this.#version = undefined;
    if (this.#loop.signal.aborted) return;
    const { path, access } = this.#deps;
    access.log.warn('cannot follow pods or services', { path, error });
  }

  /** @returns the version at which a watch continues */
  async #list(): Promise<string> {
    const answer = await this.#get({}, AbortSignal.timeout(LIST_TIMEOUT_MILLIS));
    let text = '';
    for await (const chunk of answer.setEncoding('utf8')) {
      text += String(chunk);
      if (text.length > MAX_LIST_BYTES) throw new Error('the list is too large');
    }
    const { version, objects } = parseList(text);
    const { parse } = this.#deps;
    this.#keep(new Map(objects.map((object) => [object.metadata?.uid ?? '', parse(object)])));
    return version;
  }

  /**
   * Follows changes until the server ends the watch, which it does now and then.
   *
   * @returns the version at which the next watch continues
   */
  async #watch(from: string): Promise<string> {
    const parameters = {
      ...{ watch: '1', allowWatchBookmarks: 'true', resourceVersion: from },
      timeoutSeconds: String(WATCH_SECONDS),
    };
    // A server that vanishes does not end the watch, so a timeout does.
    const limit = AbortSignal.timeout((WATCH_SECONDS + 30) * 1_000);
    const answer = await this.#get(parameters, limit);
    let version = from;
    let rest = '';
    // Leaving the loop destroys the response.
    for await (const chunk of answer.setEncoding('utf8')) {
      const lines = `${rest}${chunk}`.split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > MAX_LINE) throw new Error('an event of the watch is too large');
      for (const line of lines) version = this.#follow(line);
    }
    return version;
  }

  /** @returns the event's version */
  #follow(line: string): string {
    const event = parseEvent(line);
    if (event.type === 'ERROR') throw new Error(`the watch ended: ${event.message}`);
    const objects = new Map(this.#objects);
    if (event.type === 'DELETED') objects.delete(event.uid);
    else if (event.type !== 'BOOKMARK') objects.set(event.uid, this.#deps.parse(event.object));
    this.#keep(objects);
    return event.version;
  }

  #keep(objects: ReadonlyMap<string, T>): void {
    const { max, onChange } = this.#deps;
    this.#objects = new Map([...objects].slice(0, max));
    onChange([...this.#objects.values()]);
  }

  async #get(
    query: Readonly<Record<string, string>>,
    limit: AbortSignal,
  ): Promise<IncomingMessage> {
    const { access, path, fieldSelector } = this.#deps;
    const { url, connections, token } = access;
    const target = new URL(path, url);
    const selector = fieldSelector === undefined ? {} : { fieldSelector };
    target.search = new URLSearchParams({ ...selector, ...query }).toString();
    const headers = { authorization: `Bearer ${await token()}`, accept: 'application/json' };
    const signal = AbortSignal.any([limit, this.#loop.signal]);
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    return await new Promise((resolve, reject) => {
      const sent = send(target, { headers, agent: connections, signal }, (answer) => {
        if (answer.statusCode === 200) return resolve(answer);
        answer.destroy();
        return reject(new Error(`the API server answered ${answer.statusCode}`));
      });
      sent.on('error', reject);
      sent.end();
    });
  }
}
