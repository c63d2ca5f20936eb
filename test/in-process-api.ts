import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApi } from '../src/api/create-api.ts';
import { admin, type MemoryApi } from '../src/api/testing.ts';
import type { Transport } from '../src/client/transport.ts';
import { groupHeaders, type RawRequest, type RawResponse } from '../src/model/http.ts';

/** A transport that passes requests to an API in this process, without a network. */
export function inProcessTransport(memory: MemoryApi): Transport {
  const api = createApi(memory.deps);
  return {
    async send({ method, target, headers, body }) {
      const response = await api(
        {
          method,
          target,
          headers: groupHeaders(Object.entries(headers).flat()),
          body: Buffer.from(body),
          remoteAddress: '127.0.0.1',
        },
        admin,
      );
      return {
        status: response.status,
        headers: Object.fromEntries(
          Object.entries(response.headers).map(([name, value]) => [name.toLowerCase(), value]),
        ),
        body: Buffer.from(response.body).toString(),
      };
    },
  };
}

export interface HttpApi {
  readonly endpoint: string;
  close(): Promise<void>;
}

/** Serves a handler of raw requests on a free loopback port. */
export async function serve(
  answer: (request: RawRequest) => Promise<RawResponse>,
): Promise<HttpApi> {
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const response = await answer({
      method: incoming.method ?? '',
      target: incoming.url ?? '',
      headers: groupHeaders(incoming.rawHeaders),
      body: Buffer.concat(chunks),
      remoteAddress: '127.0.0.1',
    });
    outgoing.writeHead(response.status, { ...response.headers }).end(response.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
