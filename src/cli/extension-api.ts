import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import { printJson } from './print-json.ts';

/** A request below `/api/v1/`. */
interface ExtensionRequest {
  readonly method: string;
  /** Path and query, encoded. */
  readonly target: string;
  readonly body?: unknown;
}

/** Asks the API beyond AWS's, by the options of the command. */
export function extensionApi(context: CliContext) {
  const request = (
    command: Command,
    { method, target, body }: ExtensionRequest,
  ): Promise<unknown> =>
    context
      .connect(command.optsWithGlobals())
      .send({ method, target, body }, { signal: context.signal });
  const print = async (command: Command, own: ExtensionRequest): Promise<void> =>
    printJson(context.out, await request(command, own));
  return { request, print };
}

/** `?a=b&c=d` of what is given, "" of nothing. */
export function queryText(members: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(members).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return given.length === 0 ? '' : `?${given.join('&')}`;
}
