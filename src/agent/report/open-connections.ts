import { readFileSync } from 'node:fs';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isIP } from 'node:net';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { AgentError } from '../agent-error.ts';
import { refuseWritable } from '../refuse-writable.ts';

export interface HttpConnectionOptions {
  /** Undefined: no proxy. */
  readonly proxy: URL | undefined;
  /** PEM file of the certificates to trust instead of the built-in ones. */
  readonly caFile: string | undefined;
  /** Default: 1. */
  readonly maxConnections?: number;
}

/**
 * Creates the connections to a URL, direct or through a proxy, which stay open between requests.
 *
 * @throws AgentError when the certificates cannot be read
 */
export function openConnections(
  url: URL,
  { proxy, caFile, maxConnections = 1 }: HttpConnectionOptions,
): HttpAgent {
  const kept = { keepAlive: true, maxSockets: maxConnections };
  const trust = caFile === undefined ? {} : { ca: readCertificates(caFile) };
  if (url.protocol === 'http:') {
    return proxy === undefined ? new HttpAgent(kept) : new HttpProxyAgent(proxy, kept);
  }
  if (proxy === undefined) return new HttpsAgent({ ...kept, ...trust });
  const connections = new HttpsProxyAgent(proxy, { ...kept, ...trust });
  // The options above are for the connection to the proxy; these are for the server's certificate.
  Object.assign(
    connections.options,
    trust,
    identityOfAddress(url.hostname.replace(/^\[|\]$/g, '')),
  );
  return connections;
}

/** For an address the library gives TLS no host name, and TLS would expect `localhost`. */
function identityOfAddress(host: string): Pick<ConnectionOptions, 'checkServerIdentity'> {
  if (isIP(host) === 0) return {};
  return { checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate) };
}

function readCertificates(path: string): string {
  refuseWritable('CA file', path);
  try {
    const text = readFileSync(path, 'utf8');
    if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  } catch (cause) {
    throw new AgentError(`cannot read the CA file ${path}`, { cause });
  }
  throw new AgentError(`the CA file ${path} holds no PEM certificate`);
}
