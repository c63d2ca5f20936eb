import type { Clock } from '../lib/clock.ts';
import { connectionOptions, credentialSources } from './config.ts';
import type { AgentOptions } from './options.ts';
import { refuseWritable } from './refuse-writable.ts';
import { credentialProvider, credentialsFile } from './report/credentials.ts';
import { Endpoint } from './report/endpoint.ts';
import { openConnections } from './report/open-connections.ts';
import { ServerClock } from './report/server-clock.ts';
import { steadyClock } from './steady-clock.ts';

/** The endpoint with its connections and clock. */
export interface OpenEndpoint {
  readonly endpoint: Endpoint;
  /** The endpoint's time. */
  readonly clock: ServerClock;
  close(): void;
}

/** An address of AWS, which decides whether requests to AWS use a proxy. */
const AWS = new URL('https://sts.amazonaws.com/');

/**
 * Creates the endpoint. Sends nothing yet.
 *
 * @param clock the host's clock
 * @throws AgentError when anyone may change the certificates or credentials
 */
export function openEndpoint(url: URL, options: AgentOptions, clock: Clock): OpenEndpoint {
  const sources = credentialSources();
  refuseWritable('credentials file', credentialsFile(sources));
  const toAws = openConnections(AWS, connectionOptions(AWS, options));
  const serverClock = new ServerClock({ clock, steady: steadyClock });
  const endpoint = new Endpoint({
    url,
    region: options.region,
    credentials: credentialProvider({ ...sources, connections: toAws }),
    clock: serverClock,
    agent: openConnections(url, connectionOptions(url, options)),
  });
  const close = (): void => {
    endpoint.close();
    toAws.destroy();
  };
  return { endpoint, clock: serverClock, close };
}
