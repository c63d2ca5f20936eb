import { Agent, request } from 'node:http';
import { type Credentials, signRequest } from '../../src/wire/sigv4/sign.ts';

export interface PosterOptions {
  /** e.g. `http://127.0.0.1:8130`. Must be loopback, because this generates load. */
  readonly endpoint: string;
  readonly credentials: Credentials;
  readonly region: string;
  readonly connections: number;
}

export interface PostAnswer {
  readonly status: number;
  readonly body: string;
}

/** Posts reports as agents do: signed, over persistent connections, with a Host header without port. */
export class Poster {
  readonly #options: PosterOptions;
  readonly #url: URL;
  readonly #agent: Agent;

  constructor(options: PosterOptions) {
    this.#options = options;
    this.#url = new URL(options.endpoint);
    if (!/^127\.|^\[::1\]$|^localhost$/.test(this.#url.hostname)) {
      throw new Error('cannot send load anywhere but to loopback');
    }
    this.#agent = new Agent({ keepAlive: true, maxSockets: options.connections });
  }

  /** Rejects if no answer arrives. */
  post(body: Buffer, headers: Readonly<Record<string, string>> = {}): Promise<PostAnswer> {
    const { credentials, region } = this.#options;
    const signed = signRequest({
      method: 'POST',
      target: '/publish',
      headers: {
        host: this.#url.hostname,
        'content-type': 'application/x-protobuf',
        'content-encoding': 'gzip',
        ...headers,
      },
      body,
      credentials,
      region,
      service: 'networkflowmonitor',
      now: new Date(),
    });
    return this.send(body, { ...signed, 'content-length': String(body.length) });
  }

  /** Sends exactly the given headers, without signing. */
  send(body: Buffer, headers: Readonly<Record<string, string>>): Promise<PostAnswer> {
    const { hostname, port } = this.#url;
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          hostname: hostname.replace(/^\[|\]$/g, ''),
          port,
          method: 'POST',
          path: '/publish',
          headers,
          agent: this.#agent,
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('error', reject);
          incoming.on('end', () => {
            resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks).toString() });
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
