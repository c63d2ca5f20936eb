/// <reference path="./proxy-from-env.d.ts" />
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { getProxyForUrl } from 'proxy-from-env';
import { cgroupMount } from './kernel/cgroup-mount.ts';
import type { CredentialSources } from './report/credentials.ts';
import type { HttpConnectionOptions } from './report/open-connections.ts';

/** The environment and home folder, which name the sources of credentials. */
export function credentialSources(): Omit<CredentialSources, 'connections'> {
  return { env: process.env, homeFolder: homedir() };
}

/**
 * This host's own names and addresses. Requests to them bypass the environment's proxy, as in other
 * tools.
 */
const LOOPBACK = /^(localhost|127\.[\d.]+|\[::1\])$/;

/** Proxy and certificates for a URL: from the options, else from the environment. */
export function connectionOptions(
  url: URL,
  { proxy, caFile }: HttpConnectionOptions,
): HttpConnectionOptions {
  const named = LOOPBACK.test(url.hostname) ? '' : getProxyForUrl(url.href);
  return {
    proxy: proxy ?? (named === '' ? undefined : new URL(named)),
    caFile: caFile ?? (process.env.AWS_CA_BUNDLE || process.env.SSL_CERT_FILE || undefined),
  };
}

/** The mount point of cgroup v2 on this host; undefined when it is not mounted. */
export function findCgroup(): string | undefined {
  return cgroupMount(readFileSync('/proc/self/mountinfo', 'utf8'));
}

/** The largest number of threads in libuv's pool; libuv's default is 4. */
export function poolThreads(): number {
  return Number(process.env.UV_THREADPOOL_SIZE ?? 4);
}

/**
 * The file with the agent's options, as named by its service. The service reads it, not this
 * program, but whoever can change it controls the agent.
 */
export function optionsFile(): string | undefined {
  return process.env.NFM_AGENT_CONFIG;
}

/** The node and cluster of this pod, from the environment that its manifest sets. */
export function kubernetesNames(): {
  readonly k8sNodeName: string | undefined;
  readonly k8sClusterName: string | undefined;
} {
  return {
    k8sNodeName: process.env.K8S_NODE_NAME || undefined,
    k8sClusterName: process.env.K8S_CLUSTER_NAME || undefined,
  };
}

/** The URL of the API server; undefined outside of a pod. */
export function kubernetesApi(): URL | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = process.env;
  if (!host) return undefined;
  return new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`);
}
