import type { ReportedFlow } from '../../model/report.ts';
import type { Pod } from './pod-watch.ts';

/** The flow with the names of the pods its addresses belong to, and their services, as far as known. */
export function namePods(
  flow: ReportedFlow,
  podOf: (address: string) => Pod | undefined,
): ReportedFlow {
  const local = podOf(flow.localAddress);
  // Behind a service's address, the pod it was translated to.
  const remote = podOf(flow.dnatAddress ?? flow.remoteAddress);
  if (local === undefined && remote === undefined) return flow;
  const pods = {
    localPodName: local?.name ?? '',
    localPodNamespace: local?.namespace ?? '',
    localServiceName: local?.serviceName ?? '',
    remotePodName: remote?.name ?? '',
    remotePodNamespace: remote?.namespace ?? '',
    remoteServiceName: remote?.serviceName ?? '',
  };
  return { ...flow, pods };
}
