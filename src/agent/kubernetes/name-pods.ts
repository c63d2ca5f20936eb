import type { ReportedFlow } from '../../model/report.ts';
import type { Pod } from './pod-watch.ts';

/** Adds the names of the pods at the flow's addresses, and of their services, if known. */
export function namePods(
  flow: ReportedFlow,
  podOf: (address: string) => Pod | undefined,
): ReportedFlow {
  const local = podOf(flow.localAddress);
  // The translated address is the pod's; the original may be a service's.
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
