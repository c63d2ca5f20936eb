import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AgentError } from '../agent-error.ts';
import { type MetricFamily, OPEN_METRICS_TYPE, openMetricsText } from './open-metrics-text.ts';

/** A scraper needs one connection. */
const MAX_CONNECTIONS = 16;
const TIMEOUT_MILLIS = 5_000;

export interface MetricsServerDeps {
  readonly address: string;
  readonly port: number;
  readonly scrape: () => readonly MetricFamily[];
}

/** Serves `GET /metrics` only, to any client that reaches its address. */
export class MetricsServer {
  readonly #deps: MetricsServerDeps;
  #server: Server | undefined;

  constructor(deps: MetricsServerDeps) {
    this.#deps = deps;
  }

  /**
   * @returns the port
   * @throws AgentError when it cannot listen
   */
  async start(): Promise<number> {
    const { address, port } = this.#deps;
    const server = createServer({ requestTimeout: TIMEOUT_MILLIS }, (request, response) => {
      if (request.method !== 'GET') return plain(response, 405, 'GET is taken');
      const path = request.url?.split('?')[0];
      if (path === '/metrics') return this.#answer(response);
      if (path === '/') return plain(response, 200, 'Network Flow Monitor agent: GET /metrics');
      return plain(response, 404, 'GET /metrics');
    });
    server.maxConnections = MAX_CONNECTIONS;
    try {
      await once(server.listen(port, address), 'listening');
    } catch (cause) {
      const { code = '' } = cause as NodeJS.ErrnoException;
      const hint = 'give another --open-metrics-port or --open-metrics-address';
      throw new AgentError(`cannot listen at ${address}:${port} (${code}): ${hint}`, { cause });
    }
    this.#server = server;
    return (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  #answer(response: ServerResponse): void {
    response.setHeader('content-type', OPEN_METRICS_TYPE);
    response.end(openMetricsText(this.#deps.scrape()));
  }
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.statusCode = status;
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.end(`${text}\n`);
}
