import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../lib/log.ts';
import { AgentError } from '../agent-error.ts';
import { kubernetesApi, kubernetesNames } from '../config.ts';
import { openConnections } from '../report/open-connections.ts';
import { MAX_NAMESPACES, PodWatch } from './pod-watch.ts';

/** The folder in which the kubelet puts the token and certificate of the service account. */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Creates the watch of this node's pods; the caller starts it.
 *
 * @throws AgentError outside of a cluster
 */
export function openPodWatch(log: Log): PodWatch {
  const url = kubernetesApi();
  const { k8sNodeName: nodeName } = kubernetesNames();
  if (url === undefined || nodeName === undefined) {
    throw new AgentError(
      '--kubernetes-metadata on is for a pod with K8S_NODE_NAME from the downward API: see packaging/kubernetes/nfm-agent.yaml',
    );
  }
  const caFile = join(SERVICE_ACCOUNT, 'ca.crt');
  return new PodWatch({
    url,
    // One for the watch of pods, one for each namespace's services, and one for lists.
    connections: openConnections(url, {
      proxy: undefined,
      caFile,
      maxConnections: MAX_NAMESPACES + 2,
    }),
    nodeName,
    token: async () => (await readFile(join(SERVICE_ACCOUNT, 'token'), 'utf8')).trim(),
    log,
    random: Math.random,
  });
}
