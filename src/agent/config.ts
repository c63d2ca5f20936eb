import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { getProxyForUrl } from 'proxy-from-env';
import { AgentError } from './agent-error.ts';
import { cgroupMount } from './kernel/cgroup-mount.ts';
import type { CredentialSources } from './report/credentials.ts';
import type { WayOptions } from './report/open-way.ts';

/** Where credentials may stand, from this process's environment. */
export function credentialSources(): Omit<CredentialSources, 'way'> {
  return { env: process.env, homeFolder: homedir() };
}

/** As everybody's tools have it: the environment's proxy is not for this host. */
const LOOPBACK = /^(localhost|127\.[\d.]+|\[::1\])$/;

/** How to get to a URL: by the options, else as this process's environment says. */
export function wayOptions(url: URL, { proxy, caFile }: WayOptions): WayOptions {
  const named = LOOPBACK.test(url.hostname) ? '' : getProxyForUrl(url.href);
  return {
    proxy: proxy ?? (named === '' ? undefined : new URL(named)),
    caFile: caFile ?? (process.env.AWS_CA_BUNDLE || process.env.SSL_CERT_FILE || undefined),
  };
}

/** Where cgroup v2 is mounted on this host. Throws an AgentError when it is not. */
export function findCgroup(): string {
  const found = cgroupMount(readFileSync('/proc/self/mountinfo', 'utf8'));
  if (found !== undefined) return found;
  throw new AgentError(
    'cgroup v2 is not mounted: mkdir -p /run/cgroup2 && mount -t cgroup2 none /run/cgroup2',
  );
}
