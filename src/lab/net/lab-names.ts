/** Names and addresses of a host's kernel objects; the names contain the pid of their maker. */
export interface LabNames {
  /** The name of the network namespace and of the cgroup's folder. */
  readonly namespace: string;
  /** The management link's end in the root namespace; an interface name has at most 15 characters. */
  readonly rootInterface: string;
  /** Link-local, so that no agent reports the management link as a subnet. */
  readonly rootAddress: string;
  readonly hostAddress: string;
}

const PREFIX = 'nfmlab';

/** /30 blocks in 169.254.0.0/16. */
const BLOCKS = 16_384;

/** The block of 169.254.169.254, the address of the metadata service in clouds: left free. */
const METADATA_BLOCK = 169 * 64 + 63;

/** Networks of one process, and hosts of one network. */
const MAX_NETWORKS = 64;
const MAX_HOSTS = 16;

export interface LabPlace {
  readonly pid: number;
  readonly network: number;
  readonly host: number;
  readonly name: string;
}

export function labNames(place: LabPlace): LabNames {
  const { pid, name } = place;
  const network = place.network % MAX_NETWORKS;
  const index = pid * MAX_NETWORKS * MAX_HOSTS + network * MAX_HOSTS + place.host;
  const block = index % BLOCKS === METADATA_BLOCK ? METADATA_BLOCK - 1 : index % BLOCKS;
  const base = `169.254.${block >> 6}.`;
  const last = (block & 63) * 4;
  return {
    namespace: `${PREFIX}-${pid}-${network}-${name}`,
    rootInterface: `nl${pid}.${network}.${place.host}`.slice(0, 15),
    rootAddress: `${base}${last + 1}`,
    hostAddress: `${base}${last + 2}`,
  };
}

/** The pid in the name of a lab's namespace or cgroup; undefined for any other name. */
export function makerOf(name: string): number | undefined {
  const pid = new RegExp(`^${PREFIX}-(\\d+)-`).exec(name)?.[1];
  return pid === undefined ? undefined : Number(pid);
}
