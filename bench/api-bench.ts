import { execFileSync } from 'node:child_process';
import { Agent, request } from 'node:http';
import { ServerProcess } from '../src/lab/server-process.ts';
import { type Credentials, signRequest } from '../src/wire/sigv4/sign.ts';

export interface ApiBenchResult {
  readonly requestsPerSecond: number;
  readonly p50Millis: number;
  readonly p99Millis: number;
  /** The client's time to sign a request. */
  readonly signMicros: number;
}

const REQUESTS = 20_000;
const WARM_UP = 2_000;
const CONNECTIONS = 8;
const REGION = 'us-east-1';

/**
 * Measures signed GetScope and ListMonitors requests over persistent connections. The server runs on
 * one core and the client on another, because signing costs as much as verifying.
 */
export async function benchApi(): Promise<Readonly<Record<string, ApiBenchResult>>> {
  const server = await ServerProcess.start();
  try {
    const credentials = await server.credentials('default');
    const caller = new Caller(server.endpoint, credentials);
    const targets = [
      {
        targetIdentifier: { targetId: { accountId: '000000000000' }, targetType: 'ACCOUNT' },
        region: REGION,
      },
    ];
    const created = await caller.call('POST', '/scopes', JSON.stringify({ targets }));
    const { scopeId } = JSON.parse(created) as { scopeId: string };
    pin(server.pid, 0);
    pin(process.pid, 1);
    const result = {
      GetScope: await caller.measure('GET', `/scopes/${scopeId}`),
      ListMonitors: await caller.measure('GET', '/monitors'),
    };
    caller.close();
    return result;
  } finally {
    execFileSync('taskset', ['-acp', '0-1', String(process.pid)], { stdio: 'ignore' });
    await server.dispose();
  }
}

/** Pins all threads of a process to one core (taskset(1)). */
function pin(pid: number, core: number): void {
  execFileSync('taskset', ['-acp', String(core), String(pid)], { stdio: 'ignore' });
}

class Caller {
  readonly #url: URL;
  readonly #credentials: Credentials;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  #signMillis = 0;

  constructor(endpoint: string, credentials: Credentials) {
    this.#url = new URL(endpoint);
    this.#credentials = credentials;
  }

  async measure(method: string, target: string): Promise<ApiBenchResult> {
    await this.#repeat(WARM_UP, () => this.call(method, target, ''));
    this.#signMillis = 0;
    const latencies: number[] = [];
    const started = performance.now();
    await this.#repeat(REQUESTS, async () => {
      const sent = performance.now();
      await this.call(method, target, '');
      latencies.push(performance.now() - sent);
    });
    const seconds = (performance.now() - started) / 1000;
    const sorted = Float64Array.from(latencies).sort();
    return {
      requestsPerSecond: REQUESTS / seconds,
      p50Millis: sorted[REQUESTS / 2] ?? 0,
      p99Millis: sorted[Math.floor(REQUESTS * 0.99)] ?? 0,
      signMicros: (this.#signMillis / REQUESTS) * 1000,
    };
  }

  call(method: string, target: string, text: string): Promise<string> {
    const body = Buffer.from(text);
    const before = performance.now();
    const headers = signRequest({
      method,
      target,
      headers: { host: this.#url.host, 'content-type': 'application/json' },
      body,
      credentials: this.#credentials,
      region: REGION,
      service: 'networkflowmonitor',
      now: new Date(),
    });
    this.#signMillis += performance.now() - before;
    const { hostname, port } = this.#url;
    return new Promise((resolve, reject) => {
      const options = { hostname, port, method, path: target, headers, agent: this.#agent };
      const outgoing = request(options, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('end', () => {
          const answer = Buffer.concat(chunks).toString();
          if (incoming.statusCode === 200) resolve(answer);
          else reject(new Error(`${method} ${target}: ${incoming.statusCode} ${answer}`));
        });
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  async #repeat(times: number, act: () => Promise<unknown>): Promise<void> {
    let left = times;
    const worker = async () => {
      while (left > 0) {
        left -= 1;
        await act();
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  }
}
