import { type Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { backoffMillis } from '../../lib/backoff.ts';
import type { Log } from '../../lib/log.ts';
import { Loop } from '../../lib/loop.ts';
import { type ApiObject, parseEvent, parseList } from './api-object.ts';

const MAX_LIST_BYTES = 64 * 1024 * 1024;
/** etcd takes no larger object than 1.5 MB. */
const MAX_LINE = 4 * 1024 * 1024;
const WATCH_SECONDS = 300;
const LIST_TIMEOUT_MILLIS = 20_000;
const RETRY = { firstMillis: 1_000, maxMillis: 60_000 };

export interface ApiAccess {
  /** The API server, without a path. */
  readonly url: URL;
  /** A watch takes one of its connections. */
  readonly connections: HttpAgent;
  /** Asked for at each request: the kubelet renews it. */
  readonly token: () => Promise<string>;
  readonly log: Log;
  /** 0 to 1 (exclusive), uniform. */
  readonly random: () => number;
}

export interface ApiWatchDeps<T> {
  readonly access: ApiAccess;
  /** e.g. `/api/v1/pods` */
  readonly path: string;
  readonly fieldSelector?: string;
  /** What of an object is kept. */
  readonly parse: (object: ApiObject) => T;
  /** Objects beyond this are not kept. */
  readonly max: number;
  /** All there are now, after each change. */
  readonly onChange: (objects: readonly T[]) => void;
}

/**
 * Objects of one kind: listed once, then watched, and listed again when the watch is lost
 * (Kubernetes API concepts, "efficient detection of changes").
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
  /** The version to watch from; undefined when the objects must be listed first. */
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
    access.log.warn('names of pods or services not known', { path, error });
  }

  /** @returns the version the watch goes on from */
  async #list(): Promise<string> {
    const answer = await this.#get({}, AbortSignal.timeout(LIST_TIMEOUT_MILLIS));
    let text = '';
    for await (const chunk of answer.setEncoding('utf8')) {
      text += String(chunk);
      if (text.length > MAX_LIST_BYTES) throw new Error('the list has no end');
    }
    const { version, objects } = parseList(text);
    const { parse } = this.#deps;
    this.#keep(new Map(objects.map((object) => [object.metadata?.uid ?? '', parse(object)])));
    return version;
  }

  /**
   * Follows changes until the server ends the watch, as it does from time to time.
   *
   * @returns the version to go on from
   */
  async #watch(from: string): Promise<string> {
    const asked = {
      ...{ watch: '1', allowWatchBookmarks: 'true', resourceVersion: from },
      timeoutSeconds: String(WATCH_SECONDS),
    };
    // A server that is gone without a word ends no watch.
    const limit = AbortSignal.timeout((WATCH_SECONDS + 30) * 1_000);
    const answer = await this.#get(asked, limit);
    let version = from;
    let rest = '';
    // Leaving the loop ends the answer.
    for await (const chunk of answer.setEncoding('utf8')) {
      const lines = `${rest}${chunk}`.split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > MAX_LINE) throw new Error('an event of the watch has no end');
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
        return reject(new Error(`the API server answers ${answer.statusCode}`));
      });
      sent.on('error', reject);
      sent.end();
    });
  }
}
