import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { vi } from 'vitest';
import type { Resource } from '../graph/resource.ts';
import type {
  SourceFailure,
  SourceSlice,
  SourceStatement,
  StatementSink,
} from '../graph/source-statement.ts';

/** A sink that keeps every statement, failure and withdrawal. */
export class RecordingSink implements StatementSink {
  readonly statements: SourceStatement[] = [];
  readonly failures: SourceFailure[] = [];
  readonly withdrawn: string[] = [];

  async accept(statement: SourceStatement): Promise<void> {
    this.statements.push(statement);
  }

  fail(failure: SourceFailure): void {
    this.failures.push(failure);
  }

  async withdraw({ slice }: SourceSlice): Promise<void> {
    this.withdrawn.push(slice);
  }

  /** The last statement of a slice. */
  last(slice: string): SourceStatement | undefined {
    return this.statements.findLast((statement) => statement.slice === slice);
  }

  /** The resources of one kind in the last statement of a slice. */
  named(slice: string, kind: Resource['kind']): readonly Resource[] {
    return this.last(slice)?.resources.filter((resource) => resource.kind === kind) ?? [];
  }
}

/** Repeats a check until it passes, for up to 10 s, because a busy machine is slow. */
export function until(check: () => void): Promise<void> {
  return vi.waitFor(check, { timeout: 10_000 });
}

/** An HTTP server on a free port of 127.0.0.1 in the place of a remote service. */
export class HttpStandIn {
  readonly #answer: RequestListener;
  readonly #connections = new Set<Socket>();
  #server: Server | undefined;

  constructor(answer: RequestListener) {
    this.#answer = answer;
  }

  async start(): Promise<void> {
    const server = createServer(this.#answer);
    server.on('connection', (socket) => {
      this.#connections.add(socket);
      socket.on('close', () => this.#connections.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve) ?? resolve(undefined));
  }

  /** The number of open connections. */
  get connections(): number {
    return this.#connections.size;
  }

  get url(): string {
    const address = this.#server?.address() as AddressInfo | undefined;
    return `http://127.0.0.1:${address?.port}`;
  }
}
