import { AgentError } from '../agent-error.ts';
import { NetlinkWatch } from './netlink-watch.ts';
import { type EbpfProbe, probeEbpf } from './probe-ebpf.ts';
import { SocketWatch } from './socket-watch.ts';

export const COLLECTORS = ['auto', 'ebpf', 'netlink'] as const;
export type Collector = (typeof COLLECTORS)[number];

export interface SourceChoice {
  readonly collector: Collector;
  /** The cgroup of `--cgroup`; undefined: the whole host. */
  readonly cgroup: string | undefined;
  /** Undefined when cgroup v2 is not mounted. */
  readonly cgroupMount: string | undefined;
}

export interface ChosenSource {
  readonly source: SocketWatch | NetlinkWatch;
  /** The reason why `auto` chose netlink. */
  readonly instead?: string;
}

const NO_MOUNT =
  'cgroup v2 is not mounted: mkdir -p /run/cgroup2 && mount -t cgroup2 none /run/cgroup2';

/**
 * Chooses eBPF if the probe succeeds and netlink if it fails. If the probe is inconclusive, chooses
 * eBPF, so that its own error surfaces.
 *
 * @throws AgentError when the collector of `--collector` cannot run with the other options
 */
export function chooseSource(
  { collector, cgroup, cgroupMount }: SourceChoice,
  probe: () => EbpfProbe = probeEbpf,
): ChosenSource {
  if (collector === 'netlink') return { source: netlink(cgroup) };
  const cgroupPath = cgroup ?? cgroupMount;
  if (collector === 'ebpf' || cgroup !== undefined) {
    if (cgroupPath === undefined) throw new AgentError(NO_MOUNT);
    return { source: new SocketWatch({ cgroupPath }) };
  }
  if (cgroupPath === undefined) return { source: netlink(cgroup), instead: NO_MOUNT };
  const found = probe();
  if (found.status === 'no') return { source: netlink(cgroup), instead: found.reason };
  return { source: new SocketWatch({ cgroupPath }) };
}

function netlink(cgroup: string | undefined): NetlinkWatch {
  if (cgroup === undefined) return new NetlinkWatch();
  throw new AgentError('--cgroup needs eBPF: netlink does not give the cgroup of every connection');
}
