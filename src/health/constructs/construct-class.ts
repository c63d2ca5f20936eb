/**
 * The role of a construct in verdicts. Only a fault of a `network` construct may set the indicator.
 * A fault of a `reported` construct is listed without setting it, because it is the customer's own
 * capacity (`nat`) or belongs to nobody (`internet-edge`). An `end` is a host, a remote address or
 * a service. A `rollout` is a property that hosts share and that is no part of the network.
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
 * Every class of construct. The prior of a host is higher than that of a shared construct, so that
 * a single bad host is blamed first (Flock, PACMNET 2023, separates links and devices likewise).
 * The exact priors hardly matter: a real fault has tens to thousands of nats of evidence.
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
