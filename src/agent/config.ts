/// <reference path="./proxy-from-env.d.ts" />
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { getProxyForUrl } from 'proxy-from-env';
import { cgroupMount } from './kernel/cgroup-mount.ts';
import type { CredentialSources } from './report/credentials.ts';
import type { HttpConnectionOptions } from './report/open-connections.ts';

/** Where credentials may stand, from this process's environment. */
export function credentialSources(): Omit<CredentialSources, 'connections'> {
  return { env: process.env, homeFolder: homedir() };
}

/** As everybody's tools have it: the environment's proxy is not for this host. */
const LOOPBACK = /^(localhost|127\.[\d.]+|\[::1\])$/;

/** How to get to a URL: by the options, else as this process's environment says. */
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

/** Where cgroup v2 is mounted on this host; undefined when it is not. */
export function findCgroup(): string | undefined {
  return cgroupMount(readFileSync('/proc/self/mountinfo', 'utf8'));
}

/** How many threads libuv's pool has at most: its own default is 4. */
export function poolThreads(): number {
  return Number(process.env.UV_THREADPOOL_SIZE ?? 4);
}

/**
 * The file this process's options came from, which its service names: it is not read here, but what
 * it says was obeyed.
 */
export function optionsFile(): string | undefined {
  return process.env.NFM_AGENT_CONFIG;
}

/** The node and cluster a pod is in, as its manifest hands them down. */
export function kubernetesNames(): {
  readonly k8sNodeName: string | undefined;
  readonly k8sClusterName: string | undefined;
} {
  return {
    k8sNodeName: process.env.K8S_NODE_NAME || undefined,
    k8sClusterName: process.env.K8S_CLUSTER_NAME || undefined,
  };
}

/** Where the API server is, from inside a pod; undefined elsewhere. */
export function kubernetesApi(): URL | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = process.env;
  if (!host) return undefined;
  return new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`);
}
