import type { NetworkFlowMonitorClient } from '../../client/network-flow-monitor-client.ts';
import type { CliContext, GlobalOptions } from './cli-context.ts';
import { type Column, formatTable } from './format-table.ts';
import { printJson } from './print-json.ts';

/** A request of the extension API, the part of the server's API that AWS does not have. */
export interface ExtensionRequest {
  readonly method: string;
  /** Below `/api/v1`; its segments are encoded. */
  readonly path: string;
  /** Query parameters; those that are undefined are left out. */
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
}

/** One call of a command: its options, the server to ask and the place to print to. */
export class CommandCall<Options = unknown> {
  readonly context: CliContext;
  readonly options: Options & GlobalOptions & { readonly json?: true };

  constructor(context: CliContext, options: CommandCall<Options>['options']) {
    this.context = context;
    this.options = options;
  }

  connect(): NetworkFlowMonitorClient {
    return this.context.connect(this.options);
  }

  /** Sends a request to the extension API. The caller names the type of the answer. */
  async request<Answer>({ method, path, query = {}, body }: ExtensionRequest): Promise<Answer> {
    const target = `/api/v1${path}${queryText(query)}`;
    const { signal } = this.context;
    const answer = await this.connect().send({ method, target, body }, { signal });
    // The extension API has no contract to parse by. Server and CLI are released together.
    return answer as Answer;
  }

  /** The ISO 8601 time that lies so many seconds before now. */
  secondsAgo(seconds: number): string {
    return new Date(this.context.clock.now() - seconds * 1000).toISOString();
  }

  printJson(value: unknown): void {
    printJson(this.context.out, value);
  }

  /** Prints the value as JSON with `--json`, else the text. */
  print(value: unknown, text: () => string): void {
    if (this.options.json === true) this.printJson(value);
    else this.context.out.write(text());
  }

  /** Prints the rows as JSON with `--json`, else as a table. */
  printRows<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void {
    this.print(rows, () => formatTable(columns, rows));
  }
}

/** `?a=b&c=d`, or "" without a value. */
function queryText(members: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(members).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return given.length === 0 ? '' : `?${given.join('&')}`;
}
