import { AgentError } from '../agent-error.ts';
import { NetlinkWatch } from './netlink-watch.ts';
import { type Probe, probeEbpf } from './probe-ebpf.ts';
import { SocketWatch } from './socket-watch.ts';

export const COLLECTORS = ['auto', 'ebpf', 'netlink'] as const;
export type Collector = (typeof COLLECTORS)[number];

export interface SourceChoice {
  readonly collector: Collector;
  /** The cgroup that was asked for; undefined: the whole host. */
  readonly cgroup: string | undefined;
  /** Undefined where cgroup v2 is not mounted. */
  readonly cgroupMount: string | undefined;
}

export interface ChosenSource {
  readonly source: SocketWatch | NetlinkWatch;
  /** Why it is not eBPF, where that was not asked for. */
  readonly instead?: string;
}

const NO_MOUNT =
  'cgroup v2 is not mounted: mkdir -p /run/cgroup2 && mount -t cgroup2 none /run/cgroup2';

/**
 * eBPF where it is to be had, else netlink. What cannot be told is tried: then its own error says
 * what is wrong. Throws an AgentError when what was asked for cannot be.
 */
export function chooseSource(
  { collector, cgroup, cgroupMount }: SourceChoice,
  probe: () => Probe = probeEbpf,
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
  throw new AgentError(
    '--cgroup needs eBPF: netlink does not say which cgroup a connection was of',
  );
}
