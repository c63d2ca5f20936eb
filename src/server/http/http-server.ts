import { randomUUID } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { finished } from 'node:stream/promises';
import { createSecureContext } from 'node:tls';
import fastifyStatic from '@fastify/static';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { errorResponse, isOurFault } from '../../api/error-response.ts';
import { errorCode, errorMessage } from '../../lib/error-details.ts';
import type { Log } from '../../lib/log.ts';
import type { CounterMetric, HistogramMetric, Metrics } from '../../lib/metrics.ts';
import { pause } from '../../lib/pause.ts';
import type { Service } from '../../lib/service.ts';
import { ApiError } from '../../model/api-error.ts';
import { groupHeaders, type RawResponse, type RequestHead } from '../../model/http.ts';
import { ConfigError, listenAddress, type ServerConfig } from '../config.ts';
import { ClientAddresses } from './client-address.ts';
import { Connections } from './connections.ts';
import { checkTarget, checkTransferCoding, originForm } from './request-target.ts';

/** A request whose body is not read yet. */
export interface IncomingRequest extends RequestHead {
  /** True for a program on this host that connects without a proxy. */
  readonly isLocal: boolean;
  readonly stream: AsyncIterable<Uint8Array>;
}

/** Answers one kind of request. The server renders a thrown ApiError in AWS's form. */
export type RequestHandler = (request: IncomingRequest) => Promise<RawResponse>;

type Route = readonly [path: string, handler: RequestHandler];

export interface HttpServerDeps {
  readonly config: ServerConfig;
  /**
   * The server uses the first route whose path equals the target's path, or ends in / and is a
   * prefix of it.
   */
  readonly routes: readonly Route[];
  /** The built console; without it the server has no pages. */
  readonly consoleFolder: string;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * Every request is rewritten to this path, except those for the console's files; the raw target is
 * kept.
 */
const DISPATCHED = '/dispatched';
const HEALTH_PATH = '/healthz';
const CONSOLE_API = '/console/api/';
const CONTENT_SECURITY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
/** How long a stopping server waits for requests in flight. */
const DRAIN_MILLIS = 10_000;
/** A body may take this long if it keeps arriving; BodyReader drops one that does not. */
const REQUEST_MILLIS = 300_000;
const HEAD_MILLIS = 15_000;
const HANDSHAKE_MILLIS = 15_000;
/** How often Node looks for heads and requests that are overdue. */
const OVERDUE_CHECK_MILLIS = 5_000;
const DISCARD_MILLIS = 5_000;
/**
 * UntagResource has up to 200 keys of 128 characters in its query, each character encoded as three.
 */
const MAX_HEAD_BYTES = 96 * 1024;

/**
 * The server's port. Routes requests by the raw request target, which must not be decoded or
 * normalised before its signature is verified, and serves the console's files.
 */
export class HttpServer implements Service {
  readonly name = 'http server';
  readonly #deps: HttpServerDeps;
  readonly #seconds: HistogramMetric;
  readonly #aborted: CounterMetric;
  readonly #connections: Connections;
  readonly #clients: ClientAddresses;
  #app: FastifyInstance | undefined;

  constructor(deps: HttpServerDeps) {
    this.#deps = deps;
    this.#seconds = deps.metrics.histogram({
      name: 'nfm_http_request_seconds',
      help: 'Seconds until the response, by path of the route and status',
      labels: ['route', 'status'],
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
    });
    this.#aborted = deps.metrics.counter({
      name: 'nfm_http_requests_aborted_total',
      help: 'Requests whose client closed the connection before the body was complete',
    });
    this.#connections = new Connections(deps.config.maxConnections, deps.metrics);
    this.#clients = new ClientAddresses(deps.config.trustedProxies);
  }

  async start(): Promise<void> {
    const app = await this.#build();
    const { host, port } = listenAddress(this.#deps.config);
    try {
      await app.listen({ host, port });
    } catch (cause) {
      throw new ConfigError(listenFailure(cause, this.#deps.config.listen), { cause });
    }
    this.#app = app;
  }

  /** Accepts no new connection, and waits for requests in flight. */
  async stop(): Promise<void> {
    const app = this.#app;
    if (app === undefined) return;
    const force = setTimeout(() => app.server.closeAllConnections(), DRAIN_MILLIS);
    force.unref();
    app.server.closeIdleConnections();
    await app.close();
    clearTimeout(force);
  }

  /** e.g. `http://127.0.0.1:8130`, with the actual port. */
  get address(): string {
    const address = this.#app?.server.address();
    if (typeof address !== 'object' || address === null)
      throw new Error('the server does not listen');
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    return `${this.#deps.config.tlsCert === '' ? 'http' : 'https'}://${host}:${address.port}`;
  }

  async #build(): Promise<FastifyInstance> {
    const app = fastify({
      logger: false,
      requestTimeout: REQUEST_MILLIS,
      // Closes a connection whose client does not read its response. No call takes longer than
      // this.
      connectionTimeout: this.#deps.config.queryMaxSeconds * 1000 + REQUEST_MILLIS,
      keepAliveTimeout: this.#deps.config.idleSeconds * 1000,
      forceCloseConnections: 'idle',
      // While the server stops, it still answers one last request on each open connection.
      return503OnClosing: false,
      rewriteUrl: ({ url = '/', method }) => {
        const target = originForm(url);
        return isConsoleFile(target, method) ? target : DISPATCHED;
      },
      ...(await listenerOptions(this.#deps.config)),
    }) as unknown as FastifyInstance;
    app.server.on('connection', (socket: Socket) => this.#connections.add(socket));
    app.removeAllContentTypeParsers();
    // The handler reads the body, after it has checked the head.
    app.addContentTypeParser('*', (_request, _payload, done) => done(null));
    app.all(DISPATCHED, (request, reply) => this.#answer(request, reply));
    app.get('/', (_request, reply) => reply.redirect('/console/'));
    await this.#serveConsole(app);
    return app;
  }

  async #serveConsole(app: FastifyInstance): Promise<void> {
    const { consoleFolder, log } = this.#deps;
    app.get('/console', (_request, reply) => reply.redirect('/console/'));
    const isBuilt = await access(consoleFolder).then(
      () => true,
      () => false,
    );
    if (!isBuilt) {
      log.warn('the console is not built; npm run setup builds it', { folder: consoleFolder });
      return;
    }
    await app.register(fastifyStatic, {
      root: consoleFolder,
      prefix: '/console/',
      // Otherwise the plugin overwrites the header set below.
      cacheControl: false,
      setHeaders: (reply, path) => {
        // File names under assets/ have a hash of the content.
        const isHashed = path.includes('/assets/');
        reply.setHeader(
          'cache-control',
          isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
        );
        reply.setHeader('content-security-policy', CONTENT_SECURITY);
        reply.setHeader('x-content-type-options', 'nosniff');
        reply.setHeader('referrer-policy', 'no-referrer');
      },
    });
    app.setNotFoundHandler(serveConsolePage);
  }

  async #answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const started = performance.now();
    const raw = request.raw;
    const route = this.#routeOf(originForm(request.originalUrl), raw.method);
    const response = await this.#respond({ request, reply }, route);
    const { status } = response;
    this.#seconds.observe((performance.now() - started) / 1000, {
      route: route?.[0] ?? '*',
      status: String(status),
    });
    // Anybody may request the health page, so a request for it does not protect its connection from
    // being displaced.
    if (status < 400 && route?.[0] !== HEALTH_PATH) this.#connections.prove(raw.socket);
    await discardRest(raw);
    if (!raw.complete) reply.header('connection', 'close');
    return reply.code(status).headers(response.headers).send(response.body);
  }

  async #respond(
    { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
    route: Route | undefined,
  ): Promise<RawResponse> {
    const requestId = randomUUID();
    const raw = request.raw;
    const headers = groupHeaders(raw.rawHeaders);
    const client = this.#clients.find(raw.socket.remoteAddress ?? '', { headers });
    try {
      checkTarget(request.originalUrl, headers.get('host')?.join(','));
      checkTransferCoding(headers.get('transfer-encoding')?.join(','));
      if (route === undefined) throw new ApiError('ValidationException', 'no such request target');
      return await route[1]({
        method: raw.method ?? 'GET',
        target: originForm(request.originalUrl),
        headers,
        remoteAddress: client.address,
        isLocal: client.isLocal,
        signal: untilLeft(reply.raw),
        stream: raw.iterator({ destroyOnReturn: false }),
      });
    } catch (error) {
      if (raw.destroyed && !raw.complete) this.#aborted.add(1);
      else if (isOurFault(error)) {
        const where = { route: route?.[0], client: client.address, requestId };
        this.#deps.log.error('request failed', { error, ...where });
      }
      return errorResponse(error, requestId);
    }
  }

  /** `OPTIONS *` and `OPTIONS /` ask whether the server works, as load balancers do by default. */
  #routeOf(target: string, method: string | undefined): Route | undefined {
    const path = target.split('?')[0] ?? '';
    const isPing = method === 'OPTIONS' && (path === '*' || path === '/');
    const wanted = isPing ? HEALTH_PATH : path;
    return this.#deps.routes.find(
      ([own]) => wanted === own || (own.endsWith('/') && wanted.startsWith(own)),
    );
  }
}

/** Aborted when the client closes its connection before it has the whole response. */
function untilLeft(response: ServerResponse): AbortSignal {
  const left = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) left.abort(new Error('the client has left'));
  });
  return left.signal;
}

/**
 * Reads and discards the rest of a rejected body for some seconds. If the connection were closed at
 * once, it could be reset before the sender has read the response.
 */
async function discardRest(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return;
  // A listener, because resume() alone does nothing while an iterator waits for the next chunk.
  request.on('data', () => {});
  request.resume();
  const over = new AbortController();
  const end = () => over.abort();
  finished(request).then(end, end);
  await pause(DISCARD_MILLIS, over.signal);
}

/**
 * Sends index.html for the address of a page, such as `/console/monitors/web`; the console shows
 * the page. A missing asset stays 404, so that no browser reads a page as a script.
 */
function serveConsolePage(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const isPage = request.method === 'GET' || request.method === 'HEAD';
  if (isPage && !request.url.startsWith('/console/assets/')) return reply.sendFile('index.html');
  return reply.code(404).send();
}

function isConsoleFile(target: string, method: string | undefined): boolean {
  if (target === '/') return method === 'GET' || method === 'HEAD';
  if (target === '/console') return true;
  return target.startsWith('/console/') && !target.startsWith(CONSOLE_API);
}

async function listenerOptions(config: ServerConfig) {
  const tls = await readTls(config);
  const limits = {
    maxHeaderSize: MAX_HEAD_BYTES,
    headersTimeout: HEAD_MILLIS,
    connectionsCheckingInterval: OVERDUE_CHECK_MILLIS,
  };
  if (tls === null) return { http: limits };
  return { https: { ...tls, ...limits, handshakeTimeout: HANDSHAKE_MILLIS } };
}

async function readTls(config: ServerConfig): Promise<{ cert: Buffer; key: Buffer } | null> {
  if (config.tlsCert === '') return null;
  const read = (key: 'tlsCert' | 'tlsKey') =>
    readFile(config[key]).catch((cause: Error) => {
      throw new ConfigError(`${key}: ${cause.message}`, { cause });
    });
  const pair = { cert: await read('tlsCert'), key: await read('tlsKey') };
  try {
    createSecureContext(pair);
  } catch (cause) {
    const message = `tlsCert, tlsKey: must be a PEM certificate and its key (${errorMessage(cause)})`;
    throw new ConfigError(message, { cause });
  }
  return pair;
}

function listenFailure(cause: unknown, listen: string): string {
  const code = errorCode(cause);
  if (code === 'EADDRINUSE') {
    return `listen: ${listen} is in use by another program; stop it or choose another --listen`;
  }
  if (code === 'EACCES') return `listen: ${listen} needs more rights; choose a port above 1023`;
  if (code === 'EADDRNOTAVAIL') return `listen: ${listen} is not an address of this machine`;
  return `listen: cannot listen on ${listen}: ${errorMessage(cause)}`;
}
