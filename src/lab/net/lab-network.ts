import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupNames, cgroupRoot, makeCgroup, removeCgroup } from './lab-cgroup.ts';
import { type LabNames, labNames, makerOf } from './lab-names.ts';
import { runCommand } from './run-command.ts';

export interface LabHostSpec {
  /** Short: an interface of the router is named after it. */
  readonly name: string;
  /** Address and prefix length, e.g. 10.203.1.2/24. */
  readonly address: string;
  /** The router's address on the same link. */
  readonly gateway: string;
}

export interface LabNetworkSpec {
  /** Tells the networks of one process apart, 0 to 63. */
  readonly number: number;
  /** Every host has a link of its own to one router. */
  readonly hosts: readonly LabHostSpec[];
}

/** A host of the lab: a network namespace and a cgroup of its own. */
export interface LabHost extends LabHostSpec, LabNames {
  /** The cgroup's folder: what an agent for this host is given as `--cgroup`. */
  readonly cgroup: string;
}

export interface ExecResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecOptions extends SpawnOptions {
  /** Stay out of the host's cgroup: for an agent, whose own connections are then not seen. */
  readonly outsideCgroup?: boolean;
}

/**
 * A real network on this machine: hosts in network namespaces around a router in another, joined by
 * veth. From the root namespace each host is reached, and reaches, by a management link of its own
 * (`rootAddress`, `hostAddress`). Needs root. Make one with `createLabNetwork`; `stop` removes
 * everything, and what a killed process left is swept by the next one made.
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

  /** Runs a program on a host to its end. */
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

  /** Starts a program on a host; `stop` ends it when it still runs. */
  spawn(name: string, argv: readonly string[], options: ExecOptions = {}): ChildProcess {
    const { outsideCgroup = false, ...rest } = options;
    const host = this.host(name);
    // Not `ip netns exec`: it mounts a new /sys, where the cgroups are not.
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

  /** Drops so many percent of the packets on their way to a host; 0 ends it. */
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
   * Drops so many percent of the packets from some hosts to others, as a bad link between them
   * would; 0 ends it. One such link at a time.
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

  /** Drops every packet to a TCP port of a host, without an answer to the sender. */
  async blackhole(name: string, port: number): Promise<void> {
    const link = routerInterface(this.host(name));
    await this.#nft(`insert rule inet lab forward oifname "${link}" tcp dport ${port} drop`);
  }

  /**
   * Translates addresses on a host or on `router`.
   *
   * @param chains of an nft table of family inet; none end it
   */
  async translate(name: string, ...chains: readonly string[]): Promise<void> {
    const namespace = name === 'router' ? this.#router : this.host(name).namespace;
    const anew = ['add table inet nat', 'delete table inet nat'];
    const table = chains.length === 0 ? [] : ['table inet nat {', ...chains, '}'];
    await inNamespace(namespace, ['nft', [...anew, ...table].join('\n')]);
  }

  /** Marks so many percent of the packets on their way to a host that understand ECN as congested. */
  async markCongested(name: string, percent: number): Promise<void> {
    const link = routerInterface(this.host(name));
    const some = `ip ecn { ect0, ect1 } numgen random mod 100 < ${percent}`;
    await this.#nft(`insert rule inet lab forward oifname "${link}" ${some} ip ecn set ce`);
  }

  /** Runs a command in the router's namespace: routes, queues, rules. Throws when it fails. */
  inRouter(argv: readonly string[]): Promise<string> {
    return inNamespace(this.#router, argv);
  }

  /** The router's interface to a host. */
  routerInterface(name: string): string {
    return routerInterface(this.host(name));
  }

  /** Ends the programs and removes namespaces, links and cgroups. */
  async stop(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    const hosts = [...this.#hosts.values()];
    await Promise.allSettled(hosts.map((host) => removeCgroup(host.cgroup)));
    for (const host of hosts) await removeHost(host);
    await removeNamespace(this.#router);
  }

  /** The chain is entered from the forward hook, once however often the loss changes. */
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

/** Builds a network. Removes what it made when it cannot build all of it. */
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
  // The kernel takes a namespace's links away some time after it; ours is to be gone at once.
  if (existsSync(`/sys/class/net/${rootInterface}`)) {
    await runCommand(['ip', 'link', 'delete', rootInterface]);
  }
  await removeNamespace(namespace);
}

async function removeNamespace(name: string): Promise<void> {
  if (existsSync(`/run/netns/${name}`)) await runCommand(['ip', 'netns', 'delete', name]);
}

/** Removes what labs of processes that are no more have left. */
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
