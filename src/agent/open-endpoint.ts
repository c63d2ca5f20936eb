import type { Clock } from '../lib/clock.ts';
import { connectionOptions, credentialSources } from './config.ts';
import type { AgentOptions } from './options.ts';
import { refuseWritable } from './refuse-writable.ts';
import { credentialProvider, credentialsFile } from './report/credentials.ts';
import { Endpoint } from './report/endpoint.ts';
import { openConnections } from './report/open-connections.ts';
import { ServerClock } from './report/server-clock.ts';
import { steadyClock } from './steady-clock.ts';

/** Where reports are sent, with what it takes to get there. */
export interface OpenEndpoint {
  readonly endpoint: Endpoint;
  /** The time as the endpoint has it. */
  readonly clock: ServerClock;
  close(): void;
}

/** AWS's own address, for whether the way there leads through a proxy. */
const AWS = new URL('https://sts.amazonaws.com/');

/**
 * Opens the way to an endpoint; nothing is sent yet.
 *
 * @param clock the host's own
 * @throws AgentError when certificates or credentials cannot be trusted
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
