/**
 * The role of a construct in verdicts. A fault of a `network` construct may set the indicator. A
 * `reported` construct is only named: it is the customer's own capacity, or nobody's. An `end` is a
 * host, a remote address or a service. A `rollout` is something that hosts have in common and that
 * is no part of the network.
 */
export type ConstructRole = 'network' | 'reported' | 'end' | 'rollout';

interface ConstructClass {
  readonly role: ConstructRole;
  /** The probability that it is at fault in a window, before any evidence. */
  readonly prior: number;
  /** Its noun in sentences. */
  readonly noun: string;
}

const shared = (noun: string): ConstructClass => ({ role: 'network', prior: 1e-5, noun });
const rollout = (noun: string): ConstructClass => ({ role: 'rollout', prior: 1e-3, noun });

/**
 * Every class of construct. A single bad host must explain itself before a shared construct is
 * blamed, so its prior is higher (Flock, PACMNET 2023, separates links and devices likewise). The
 * exact priors hardly matter: a real fault has tens to thousands of nats of evidence.
 */
export const CONSTRUCT_CLASSES = {
  host: { role: 'end', prior: 1e-3, noun: 'host' },
  endpoint: { role: 'end', prior: 1e-3, noun: 'remote host' },
  service: { role: 'end', prior: 1e-4, noun: 'service' },
  subnet: shared('subnet'),
  az: shared('availability zone'),
  'az-pair': shared('the link between availability zones'),
  vpc: shared('VPC'),
  'vpc-pair': shared('the link between VPCs'),
  peering: shared('peering connection'),
  tgw: shared('transit gateway'),
  'tgw-attachment': shared('transit gateway attachment'),
  edge: shared('service edge'),
  'region-pair': shared('the link between Regions'),
  link: shared('link'),
  nat: { role: 'reported', prior: 1e-5, noun: 'NAT gateway' },
  'internet-edge': { role: 'reported', prior: 1e-5, noun: 'internet edge' },
  image: rollout('machine image'),
  'node-pool': rollout('node pool'),
  deployment: rollout('deployment'),
  'instance-type': rollout('instance type'),
} as const satisfies Record<string, ConstructClass>;

export type ConstructClassName = keyof typeof CONSTRUCT_CLASSES;

export function classOf(name: ConstructClassName): ConstructClass {
  return CONSTRUCT_CLASSES[name];
}

export function isConstructClass(name: string): name is ConstructClassName {
  return name in CONSTRUCT_CLASSES;
}
