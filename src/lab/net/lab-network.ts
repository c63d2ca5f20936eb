import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupNames, cgroupRoot, makeCgroup, removeCgroup } from './lab-cgroup.ts';
import { type LabNames, labNames, makerOf } from './lab-names.ts';
import { runCommand } from './run-command.ts';

export interface LabHostSpec {
  /** Short: the router's interface `to-NAME` is cut at 15 characters. */
  readonly name: string;
  /** Address and prefix length, e.g. 10.203.1.2/24. */
  readonly address: string;
  /** The router's address on the same link. */
  readonly gateway: string;
}

export interface LabNetworkSpec {
  /** Distinguishes the networks of one process, 0 to 63. */
  readonly number: number;
  /** Each host has a link of its own to the one router. */
  readonly hosts: readonly LabHostSpec[];
}

/** A host of the lab: a network namespace and a cgroup. */
export interface LabHost extends LabHostSpec, LabNames {
  /** The cgroup's folder, the value of `--cgroup` for an agent of this host. */
  readonly cgroup: string;
}

export interface ExecResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecOptions extends SpawnOptions {
  /** Leaves the program out of the host's cgroup, so that an agent does not count its own traffic. */
  readonly outsideCgroup?: boolean;
}

/**
 * A real network on this machine: hosts in network namespaces, joined by veth to a router in
 * another. A management link connects each host with the root namespace (`rootAddress`,
 * `hostAddress`). Needs root. `createLabNetwork` makes a network and first removes the leftovers of
 * killed processes; `stop` removes the network.
 */
export class LabNetwork {
  readonly #router: string;
  readonly #hosts: ReadonlyMap<string, LabHost>;
  readonly #children = new Set<ChildProcess>();

  constructor(router: string, hosts: readonly LabHost[]) {
    this.#router = router;
    this.#hosts = new Map(hosts.map((host) => [host.name, host]));
  }

  host(name: string): LabHost {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new Error(`the lab has no host ${name}`);
    return host;
  }

  /** Runs a program on a host and waits until it exits. */
  exec(name: string, argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const child = this.spawn(name, argv, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, stdout, stderr }));
    });
  }

  /** Starts a program on a host; `stop` kills it if it still runs. */
  spawn(name: string, argv: readonly string[], options: ExecOptions = {}): ChildProcess {
    const { outsideCgroup = false, ...rest } = options;
    const host = this.host(name);
    // `ip netns exec` would mount a new /sys without the cgroups.
    const inside = ['nsenter', `--net=/run/netns/${host.namespace}`, ...argv];
    const enter = 'echo $$ > "$0" && exec "$@"';
    const [program = '', ...args] = outsideCgroup
      ? inside
      : ['sh', '-c', enter, join(host.cgroup, 'cgroup.procs'), ...inside];
    const child = spawn(program, args, rest);
    this.#children.add(child);
    child.on('exit', () => this.#children.delete(child));
    return child;
  }

  /** Drops a percentage of the packets to a host; 0 removes the loss. */
  async lose(name: string, percent: number): Promise<void> {
    const link = routerInterface(this.host(name));
    const chain = `lose_${name}`;
    await this.#nft(`add chain inet lab ${chain}; flush chain inet lab ${chain}`);
    if (percent === 0) return;
    const some = percent < 100 ? `numgen random mod 10000 < ${Math.round(percent * 100)}` : '';
    await this.#nft(`add rule inet lab ${chain} oifname "${link}" ${some} drop`);
    await this.#jumpOnce(chain);
  }

  /**
   * Drops a percentage of the packets from some hosts to others, as a bad link between them would;
   * 0 removes the loss. A second call replaces the first.
   */
  async loseBetween(
    from: readonly string[],
    to: readonly string[],
    percent: number,
  ): Promise<void> {
    const chain = 'lose_between';
    await this.#nft(`add chain inet lab ${chain}; flush chain inet lab ${chain}`);
    if (percent === 0) return;
    const links = (names: readonly string[]) =>
      names.map((name) => `"${routerInterface(this.host(name))}"`).join(', ');
    const some = `numgen random mod 10000 < ${Math.round(percent * 100)}`;
    await this.#nft(
      `add rule inet lab ${chain} iifname { ${links(from)} } oifname { ${links(to)} } ${some} drop`,
    );
    await this.#jumpOnce(chain);
  }

  /** Silently drops every packet to a TCP port of a host. */
  async blackhole(name: string, port: number): Promise<void> {
    const link = routerInterface(this.host(name));
    await this.#nft(`insert rule inet lab forward oifname "${link}" tcp dport ${port} drop`);
  }

  /**
   * Replaces the address translation of a host or of `router`.
   *
   * @param chains chains of an nft table of family inet; no chains remove the translation
   */
  async translate(name: string, ...chains: readonly string[]): Promise<void> {
    const namespace = name === 'router' ? this.#router : this.host(name).namespace;
    const anew = ['add table inet nat', 'delete table inet nat'];
    const table = chains.length === 0 ? [] : ['table inet nat {', ...chains, '}'];
    await inNamespace(namespace, ['nft', [...anew, ...table].join('\n')]);
  }

  /** Marks a percentage of the ECN-capable packets to a host as congested. */
  async markCongested(name: string, percent: number): Promise<void> {
    const link = routerInterface(this.host(name));
    const some = `ip ecn { ect0, ect1 } numgen random mod 100 < ${percent}`;
    await this.#nft(`insert rule inet lab forward oifname "${link}" ${some} ip ecn set ce`);
  }

  /** Runs a command in the router's namespace, for routes, queues and rules. Throws if it fails. */
  inRouter(argv: readonly string[]): Promise<string> {
    return inNamespace(this.#router, argv);
  }

  /** The router's interface to a host. */
  routerInterface(name: string): string {
    return routerInterface(this.host(name));
  }

  /** Kills the programs and removes namespaces, links and cgroups. */
  async stop(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    const hosts = [...this.#hosts.values()];
    await Promise.allSettled(hosts.map((host) => removeCgroup(host.cgroup)));
    for (const host of hosts) await removeHost(host);
    await removeNamespace(this.#router);
  }

  /** Adds the jump from the forward hook to a chain unless it exists. */
  async #jumpOnce(chain: string): Promise<void> {
    const rules = await this.inRouter(['nft', 'list', 'chain', 'inet', 'lab', 'forward']);
    if (!rules.includes(`jump ${chain}`)) {
      await this.#nft(`add rule inet lab forward jump ${chain}`);
    }
  }

  async #nft(rules: string): Promise<void> {
    await this.inRouter(['nft', rules]);
  }
}

/** Builds a network. If a step fails, removes what the earlier steps made and throws. */
export async function createLabNetwork(spec: LabNetworkSpec): Promise<LabNetwork> {
  await sweepLeftovers();
  const { pid } = process;
  const place = { pid, network: spec.number };
  const router = labNames({ ...place, host: 0, name: 'router' }).namespace;
  const hosts = spec.hosts.map((host, index) => {
    const names = labNames({ ...place, host: index, name: host.name });
    return { ...host, ...names, cgroup: join(cgroupRoot(), names.namespace) };
  });
  const network = new LabNetwork(router, hosts);
  try {
    await buildRouter(router);
    for (const host of hosts) await buildHost(router, host);
    return network;
  } catch (error) {
    await network.stop();
    throw error;
  }
}

async function buildRouter(router: string): Promise<void> {
  await runCommand(['ip', 'netns', 'add', router]);
  await inNamespace(router, ['sysctl', '-qw', 'net.ipv4.ip_forward=1']);
  await inNamespace(router, ['ip', 'link', 'set', 'lo', 'up']);
  await inNamespace(router, [
    'nft',
    'add table inet lab; add chain inet lab forward { type filter hook forward priority 0; }',
  ]);
}

async function buildHost(router: string, host: LabHost): Promise<void> {
  const { namespace, rootInterface } = host;
  const link = routerInterface(host);
  makeCgroup(namespace);
  await runCommand(['ip', 'netns', 'add', namespace]);
  const veth = ['ip', 'link', 'add', 'eth0', 'netns', namespace, 'type', 'veth', 'peer', 'name'];
  await runCommand([...veth, link, 'netns', router]);
  await address(router, link, `${host.gateway}/${host.address.split('/')[1]}`);
  await address(namespace, 'eth0', host.address);
  await inNamespace(namespace, ['ip', 'link', 'set', 'lo', 'up']);
  await inNamespace(namespace, ['ip', 'route', 'add', 'default', 'via', host.gateway]);
  const management = ['ip', 'link', 'add', rootInterface, 'type', 'veth', 'peer', 'name', 'mgmt0'];
  await runCommand([...management, 'netns', namespace]);
  await runCommand(['ip', 'address', 'add', `${host.rootAddress}/30`, 'dev', rootInterface]);
  await runCommand(['ip', 'link', 'set', rootInterface, 'up']);
  await address(namespace, 'mgmt0', `${host.hostAddress}/30`);
}

async function address(namespace: string, device: string, text: string): Promise<void> {
  await inNamespace(namespace, ['ip', 'address', 'add', text, 'dev', device]);
  await inNamespace(namespace, ['ip', 'link', 'set', device, 'up']);
}

function routerInterface(host: LabHostSpec): string {
  return `to-${host.name}`.slice(0, 15);
}

function inNamespace(namespace: string, argv: readonly string[]): Promise<string> {
  return runCommand(['nsenter', `--net=/run/netns/${namespace}`, ...argv]);
}

async function removeHost({ rootInterface, namespace }: LabHost): Promise<void> {
  // The kernel removes a namespace's links only some time after the namespace.
  if (existsSync(`/sys/class/net/${rootInterface}`)) {
    await runCommand(['ip', 'link', 'delete', rootInterface]);
  }
  await removeNamespace(namespace);
}

async function removeNamespace(name: string): Promise<void> {
  if (existsSync(`/run/netns/${name}`)) await runCommand(['ip', 'netns', 'delete', name]);
}

/** Removes the cgroups and namespaces of processes that no longer run. */
async function sweepLeftovers(): Promise<void> {
  for (const name of cgroupNames().filter(isLeftover)) {
    await removeCgroup(join(cgroupRoot(), name));
  }
  const namespaces = await runCommand(['ip', 'netns', 'list']);
  for (const line of namespaces.split('\n')) {
    const name = line.split(' ')[0] ?? '';
    if (isLeftover(name)) await removeNamespace(name);
  }
}

function isLeftover(name: string): boolean {
  const pid = makerOf(name);
  return pid !== undefined && !existsSync(`/proc/${pid}`);
}
