import { setMaxListeners } from 'node:events';
import { fromNodeProviderChain } from '@aws-sdk/credential-providers';
import { CommanderError } from 'commander';
import { NetworkFlowMonitor } from '../client/network-flow-monitor.ts';
import { ConnectionError, ServiceError } from '../client/service-error.ts';
import { sleep } from '../client/sleep.ts';
import { systemClock } from '../lib/clock.ts';
import { processEnvironment } from './config.ts';
import type { CliContext, GlobalOptions } from './lib/cli-context.ts';
import { CliError } from './lib/cli-error.ts';
import { createProgram } from './program.ts';

/** 128 + SIGINT (2), as in shells. */
const INTERRUPTED = 130;

/**
 * Runs `nfm` with the arguments after its name. Resolves to the exit status: 0, or 1 after one
 * line on standard error. Ctrl-C ends a live table with 0 and any other command with 130.
 */
export async function runCli(argv: readonly string[]): Promise<number> {
  const stop = new AbortController();
  // Each query in flight adds a listener, and `top` runs one for each of 11 categories at once.
  setMaxListeners(100, stop.signal);
  const interrupt = () => {
    stop.abort(new CliError('interrupted'));
    // Leaves one second to stop the running queries on the server, which may not respond.
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
    throw new CliError(`--endpoint must be an http or https URL; got '${endpoint}'`);
  }
  const provide = fromNodeProviderChain({
    ...(profile === undefined ? {} : { profile }),
    // Outside EC2 there is no metadata service. With retries, it takes seconds to notice.
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
    `${found}: set AWS_SHARED_CREDENTIALS_FILE to the file credentials in the data folder of ` +
      'nfm server (profiles default and agent), or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    { cause },
  );
}

function isHelp(error: unknown): boolean {
  return error instanceof CommanderError && error.exitCode === 0;
}

/** The error as one line for the terminal. */
function explain(error: unknown): string {
  if (error instanceof CommanderError) return usageLine(error);
  if (error instanceof ServiceError) return `${error.name}: ${oneLine(error.message)}`;
  if (error instanceof ConnectionError) {
    return `${error.message} (is the server running? Its URL is set by --endpoint or NFM_ENDPOINT)`;
  }
  return error instanceof Error ? oneLine(error.message) : String(error);
}

function usageLine(error: CommanderError): string {
  if (error.code === 'commander.help')
    return 'no command given; add --help for the list of commands';
  return oneLine(error.message.replace(/^error: /, ''));
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** `nfm top | head` closes the pipe, which is a normal end. */
function endQuietlyOnClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
}
