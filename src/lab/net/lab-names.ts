/** Names and addresses of what a lab network makes in the kernel; they carry the maker's pid. */
export interface LabNames {
  /** Network namespace, and the name of the cgroup's folder. */
  readonly namespace: string;
  /** The end of the management link in the root namespace: at most 15 characters. */
  readonly rootInterface: string;
  /** Link-local, so that no one takes the management link for a subnet. */
  readonly rootAddress: string;
  readonly hostAddress: string;
}

const PREFIX = 'nfmlab';

/** /30 blocks in 169.254.0.0/16. */
const BLOCKS = 16_384;

/** The block with 169.254.169.254, the metadata service's address in clouds. */
const METADATA_BLOCK = 169 * 64 + 63;

/** Numbers of networks and hosts within one process. */
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

/** The pid of the process that made a namespace or cgroup, or undefined when it is not a lab's. */
export function makerOf(name: string): number | undefined {
  const pid = new RegExp(`^${PREFIX}-(\\d+)-`).exec(name)?.[1];
  return pid === undefined ? undefined : Number(pid);
}
