import { expect, test } from 'vitest';
import { chooseSource } from './choose-source.ts';
import { NetlinkWatch } from './netlink-watch.ts';
import type { EbpfProbe } from './probe-ebpf.ts';
import { SocketWatch } from './socket-watch.ts';

const host = { cgroup: undefined, cgroupMount: '/sys/fs/cgroup' };
const no: EbpfProbe = { status: 'no', reason: 'the kernel rejects the program (EPERM)' };
const maybe: EbpfProbe = { status: 'inconclusive', reason: 'ENOMEM' };
const yes: EbpfProbe = { status: 'yes', without: [] };

test.each([
  { name: 'eBPF when the probe succeeds', choice: host, probe: yes, kind: SocketWatch },
  { name: 'eBPF when the probe is inconclusive', choice: host, probe: maybe, kind: SocketWatch },
  { name: 'netlink when the probe fails', choice: host, probe: no, kind: NetlinkWatch },
  {
    name: 'netlink without cgroup v2',
    choice: { ...host, cgroupMount: undefined },
    probe: yes,
    kind: NetlinkWatch,
  },
  {
    name: 'eBPF for a cgroup, whatever the probe gives',
    choice: { ...host, cgroup: '/c' },
    probe: no,
    kind: SocketWatch,
  },
])('auto: $name', ({ choice, probe, kind }) => {
  const { source, instead } = chooseSource({ collector: 'auto', ...choice }, () => probe);
  expect(source).toBeInstanceOf(kind);
  expect(instead !== undefined).toBe(kind === NetlinkWatch);
});

test('a collector or cgroup named by an option is used without a probe', () => {
  const probe = () => {
    throw new Error('asked');
  };
  const of = (collector: 'ebpf' | 'netlink') => chooseSource({ collector, ...host }, probe).source;
  expect(of('ebpf')).toBeInstanceOf(SocketWatch);
  expect(of('netlink')).toBeInstanceOf(NetlinkWatch);
});

test('netlink rejects --cgroup', () => {
  expect(() => chooseSource({ collector: 'netlink', ...host, cgroup: '/c' })).toThrow(
    '--cgroup needs eBPF',
  );
});
