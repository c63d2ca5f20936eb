import type { Socket } from 'node:net';
import type { CounterMetric, Metrics } from '../../lib/metrics.ts';

/**
 * Limits the open connections. At the limit a new connection displaces the oldest one that never
 * sent an accepted request, so connections that send nothing cannot keep out those of agents.
 */
export class Connections {
  readonly #max: number;
  readonly #displaced: CounterMetric;
  /** By remote address and port, oldest first. */
  readonly #unproven = new Map<string, Socket>();
  /** By remote address and port, the longest without an accepted request first. */
  readonly #proven = new Map<string, Socket>();

  constructor(max: number, metrics: Metrics) {
    this.#max = max;
    this.#displaced = metrics.counter({
      name: 'nfm_http_connections_displaced_total',
      help: 'Connections closed because --max-connections were open and a new one arrived',
    });
    metrics.observedGauge(
      { name: 'nfm_http_connections', help: 'Open connections to the server' },
      () => this.#unproven.size + this.#proven.size,
    );
  }

  add(socket: Socket): void {
    if (this.#unproven.size + this.#proven.size >= this.#max) this.#displace();
    const name = nameOf(socket);
    this.#unproven.set(name, socket);
    socket.once('close', () => {
      if (this.#unproven.get(name) === socket) this.#unproven.delete(name);
      if (this.#proven.get(name) === socket) this.#proven.delete(name);
    });
  }

  /** Records that a request on the connection was accepted. Under TLS `socket` is the encrypted one. */
  prove(socket: Socket): void {
    const name = nameOf(socket);
    const known = this.#unproven.get(name) ?? this.#proven.get(name);
    if (known === undefined) return;
    this.#unproven.delete(name);
    this.#proven.delete(name);
    this.#proven.set(name, known);
  }

  #displace(): void {
    for (const connections of [this.#unproven, this.#proven]) {
      for (const [name, socket] of connections) {
        connections.delete(name);
        socket.destroy();
        this.#displaced.add(1);
        return;
      }
    }
  }
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
