import { setMaxListeners } from 'node:events';
import { fromNodeProviderChain } from '@aws-sdk/credential-providers';
import { CommanderError } from 'commander';
import { NetworkFlowMonitor } from '../client/network-flow-monitor.ts';
import { ConnectionError, ServiceError } from '../client/service-error.ts';
import { sleep } from '../client/sleep.ts';
import { systemClock } from '../lib/clock.ts';
import { CliError } from './cli-error.ts';
import { processEnvironment } from './config.ts';
import type { CliContext, GlobalOptions } from './context.ts';
import { createProgram } from './program.ts';

/** 128 + SIGINT, as shells have it. */
const INTERRUPTED = 130;

/**
 * Runs `nfm` with the arguments after its name. Resolves to the exit status: 0, or 1 after one
 * clear line on standard error. Ctrl-C ends a live table with 0.
 */
export async function runCli(argv: readonly string[]): Promise<number> {
  const stop = new AbortController();
  // One listener a query in flight: `top` asks a query for each of 11 categories at once.
  setMaxListeners(100, stop.signal);
  const interrupt = () => {
    stop.abort(new CliError('interrupted'));
    // What was begun is stopped on the server; a server that hangs is not waited for.
    setTimeout(() => process.exit(INTERRUPTED), 1_000).unref();
  };
  process.once('SIGINT', interrupt);
  process.stdout.on('error', endQuietlyOnClosedPipe);
  try {
    await createProgram(processContext(stop.signal)).parseAsync([...argv], { from: 'user' });
    return 0;
  } catch (error) {
    if (isHelp(error)) return 0;
    if (stop.signal.aborted) return INTERRUPTED;
    process.stderr.write(`nfm: ${explain(error)}\n`);
    return 1;
  } finally {
    process.removeListener('SIGINT', interrupt);
  }
}

function processContext(signal: AbortSignal): CliContext {
  return {
    out: {
      write: (text) => void process.stdout.write(text),
      isTerminal: process.stdout.isTTY === true,
    },
    environment: processEnvironment(),
    clock: systemClock,
    connect,
    sleep,
    signal,
  };
}

function connect({ endpoint, region, profile }: GlobalOptions) {
  if (!URL.canParse(endpoint) || !/^https?:/.test(endpoint)) {
    throw new CliError(`--endpoint must be an http or https URL, not ${endpoint}`);
  }
  const provide = fromNodeProviderChain({
    ...(profile === undefined ? {} : { profile }),
    // Without one, asking a metadata service that is not there takes seconds to fail.
    maxRetries: 0,
    timeout: 500,
  });
  const credentials = async () => {
    try {
      return await provide();
    } catch (cause) {
      throw noCredentials(profile, cause);
    }
  };
  return new NetworkFlowMonitor({ endpoint, region, credentials });
}

function noCredentials(profile: string | undefined, cause: unknown): CliError {
  const found =
    profile === undefined ? 'no AWS credentials found' : `no credentials for profile ${profile}`;
  return new CliError(
    `${found}: set AWS_SHARED_CREDENTIALS_FILE to the credentials file in the server's data ` +
      'directory (profiles default and agent), or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    { cause },
  );
}

function isHelp(error: unknown): boolean {
  return error instanceof CommanderError && error.exitCode === 0;
}

/** One line for the person at the terminal. */
function explain(error: unknown): string {
  if (error instanceof CommanderError) return usageLine(error);
  if (error instanceof ServiceError) return `${error.name}: ${oneLine(error.message)}`;
  if (error instanceof ConnectionError) {
    return `${error.message} (is the server running? --endpoint or NFM_ENDPOINT names it)`;
  }
  return error instanceof Error ? oneLine(error.message) : String(error);
}

function usageLine(error: CommanderError): string {
  if (error.code === 'commander.help') return 'a command is needed: see nfm --help';
  return oneLine(error.message.replace(/^error: /, ''));
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** `nfm top | head` closes the pipe: that is an end, not an error. */
function endQuietlyOnClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
}
