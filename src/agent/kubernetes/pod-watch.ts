import { type Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { backoffMillis } from '../../lib/backoff.ts';
import type { Log } from '../../lib/log.ts';
import { pause } from '../../lib/pause.ts';
import { canonicalAddress } from '../../model/address.ts';
import { type ApiPod, parsePod, parsePodEvent, parsePodList } from './api-pod.ts';

/** A node holds 110 pods by default, some hundred at most. */
const MOST_PODS = 4_096;
const MOST_LIST_BYTES = 64 * 1024 * 1024;
/** etcd takes no larger object than 1.5 MB. */
const MOST_LINE = 4 * 1024 * 1024;
const WATCH_SECONDS = 300;
const LIST_TIMEOUT_MILLIS = 20_000;
const RETRY = { firstMillis: 1_000, mostMillis: 60_000 };

export interface PodWatchDeps {
  /** The API server, without a path. */
  readonly url: URL;
  readonly way: HttpAgent;
  readonly nodeName: string;
  /** Asked for at each request: the kubelet renews it. */
  readonly token: () => Promise<string>;
  readonly log: Log;
  /** 0 to 1 (exclusive), uniform. */
  readonly random: () => number;
}

export interface Pod {
  readonly name: string;
  readonly namespace: string;
}

/**
 * The pods of one node by their addresses: listed once, then watched, and listed again when the
 * watch is lost (Kubernetes API concepts, "efficient detection of changes"). Pods in the node's own
 * network have its address, which says nothing of them: they are left out.
 */
export class PodWatch {
  readonly #deps: PodWatchDeps;
  readonly #stopped = new AbortController();
  #pods: ReadonlyMap<string, ApiPod> = new Map();
  #byAddress: ReadonlyMap<string, Pod> = new Map();
  #running: Promise<void> | undefined;

  constructor(deps: PodWatchDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    this.#deps.way.destroy();
  }

  podOf(address: string): Pod | undefined {
    return this.#byAddress.get(address);
  }

  async #run(): Promise<void> {
    const { log, random } = this.#deps;
    const { signal } = this.#stopped;
    for (let failures = 0; !signal.aborted; ) {
      try {
        let version = await this.#list();
        failures = 0;
        while (!signal.aborted) version = await this.#watch(version);
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        log.warn('pods of this node not known', { error });
        await pause(backoffMillis(failures, { ...RETRY, random }), signal);
      }
    }
  }

  /** @returns the version the watch goes on from */
  async #list(): Promise<string> {
    const answer = await this.#get({}, AbortSignal.timeout(LIST_TIMEOUT_MILLIS));
    let text = '';
    for await (const chunk of answer.setEncoding('utf8')) {
      text += String(chunk);
      if (text.length > MOST_LIST_BYTES) throw new Error('the list of pods has no end');
    }
    const { version, pods } = parsePodList(text);
    this.#keep(new Map(pods.map((pod) => [pod.uid, pod])));
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
      if (rest.length > MOST_LINE) throw new Error('an event of the watch has no end');
      for (const line of lines) version = this.#follow(line);
    }
    return version;
  }

  /** @returns the event's version */
  #follow(line: string): string {
    const event = parsePodEvent(line);
    if (event.type === 'ERROR') throw new Error(`the watch ended: ${event.message}`);
    const pods = new Map(this.#pods);
    if (event.type === 'DELETED') pods.delete(event.uid);
    else if (event.type !== 'BOOKMARK') pods.set(event.uid, parsePod(event.object));
    this.#keep(pods);
    return event.version;
  }

  #keep(pods: ReadonlyMap<string, ApiPod>): void {
    this.#pods = new Map([...pods].slice(0, MOST_PODS));
    this.#byAddress = new Map(
      [...this.#pods.values()].flatMap(({ name, namespace, addresses }) =>
        addresses.flatMap((text) => {
          const address = canonicalAddress(text);
          return address === undefined ? [] : [[address, { name, namespace }] as const];
        }),
      ),
    );
  }

  async #get(
    query: Readonly<Record<string, string>>,
    limit: AbortSignal,
  ): Promise<IncomingMessage> {
    const { url, way, nodeName, token } = this.#deps;
    const target = new URL('/api/v1/pods', url);
    const selector = { fieldSelector: `spec.nodeName=${nodeName}` };
    target.search = new URLSearchParams({ ...selector, ...query }).toString();
    const headers = { authorization: `Bearer ${await token()}`, accept: 'application/json' };
    const signal = AbortSignal.any([limit, this.#stopped.signal]);
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    return await new Promise((resolve, reject) => {
      const sent = send(target, { headers, agent: way, signal }, (answer) => {
        if (answer.statusCode === 200) return resolve(answer);
        answer.destroy();
        return reject(new Error(`the API server answers ${answer.statusCode}`));
      });
      sent.on('error', reject);
      sent.end();
    });
  }
}
