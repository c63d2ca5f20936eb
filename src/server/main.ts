import { SIGN_IN_TOKEN } from '../auth/sessions.ts';
import { createLog, type Log } from '../lib/log.ts';
import { type ComposedServer, composeServer } from './compose/compose-server.ts';
import {
  ConfigError,
  configHelp,
  logLevelOf,
  printConfig,
  readConfig,
  type ServerConfig,
} from './config.ts';

/**
 * Runs `nfm server` until SIGTERM, SIGINT or SIGHUP. Then accepts no more requests, finishes the current
 * ones and stops.
 *
 * @returns the exit code: 0 after a signal, 1 after a failure, 2 for an invalid setting
 */
export async function runServer(argv: readonly string[]): Promise<number> {
  try {
    const { config, action } = await readConfig({ argv });
    if (action === 'help') return print(configHelp());
    if (action === 'print-config') return print(printConfig(config));
    const log = createLog({ level: logLevelOf(config) });
    const server = await composeServer(config, log);
    if (action === 'check') return print('the settings are valid\n');
    return await serve(server, config, log);
  } catch (error) {
    return failed(error);
  }
}

async function serve(server: ComposedServer, config: ServerConfig, log: Log): Promise<number> {
  const signal = nextSignal();
  // The reader of the output may go away, as a terminal or `head` does; the server continues.
  for (const output of [process.stdout, process.stderr]) output.on('error', ignoreClosedPipe);
  await server.services.start();
  print(`listening on ${server.http.address}\n`);
  if (config.signInAddress) print(`console: ${signInAddress(server, config)}\n`);
  log.info('stopping', { signal: await signal });
  await server.services.stop();
  return 0;
}

/**
 * The token gives no more access than the credentials file, which whoever starts the server can
 * read.
 */
function signInAddress({ http, sessions }: ComposedServer, config: ServerConfig): string {
  const token = sessions.issueSignInToken({
    account: config.account,
    region: config.region,
    accessKeyId: SIGN_IN_TOKEN,
    kind: 'admin',
  });
  return `${http.address}/console/#token=${token}`;
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
}

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
      process.once(name, () => resolve(name));
  });
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

/** Prints one line with the error and its causes; for an invalid setting only what to change. */
function failed(error: unknown): number {
  const config = causeOf(error, ConfigError);
  if (config !== undefined) {
    process.stderr.write(`nfm server: ${config.message}\n`);
    return 2;
  }
  process.stderr.write(`nfm server: ${messages(error).join(': ')}\n`);
  return 1;
}

function causeOf<Kind extends Error>(
  error: unknown,
  kind: new (message: string) => Kind,
): Kind | undefined {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof kind) return at;
  return undefined;
}

function messages(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  const causes: readonly unknown[] = error instanceof AggregateError ? error.errors : [error.cause];
  return [error.message, ...causes.filter((cause) => cause !== undefined).flatMap(messages)];
}
