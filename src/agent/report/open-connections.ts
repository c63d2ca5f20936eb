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
  /** Undefined: straight. */
  readonly proxy: URL | undefined;
  /** PEM certificates that are trusted instead of the built-in ones. */
  readonly caFile: string | undefined;
  /** At a time; 1 by default. */
  readonly maxConnections?: number;
}

/**
 * The way to a URL: straight or through a proxy, over kept connections. Throws an AgentError when
 * the certificates cannot be read.
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
  // What is given above is for the way to the proxy; the server's certificate is checked by these.
  Object.assign(
    connections.options,
    trust,
    identityOfAddress(url.hostname.replace(/^\[|\]$/g, '')),
  );
  return connections;
}

/** The library names no host to TLS when that is an address, which then expects `localhost`. */
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
