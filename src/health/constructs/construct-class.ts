/**
 * What a construct is to the health indicator. `network` may set it; `reported` is named but never
 * sets it (capacity of the customer's own, or nobody's); `end` is a host, a remote address or a
 * service; `rollout` is no part of the network, but what hosts may have in common.
 */
export type ConstructRole = 'network' | 'reported' | 'end' | 'rollout';

interface ConstructClass {
  readonly role: ConstructRole;
  /** Probability of a fault in a window, before the window is seen. */
  readonly prior: number;
  /** What a sentence calls it. */
  readonly noun: string;
}

const shared = (noun: string): ConstructClass => ({ role: 'network', prior: 1e-5, noun });
const rollout = (noun: string): ConstructClass => ({ role: 'rollout', prior: 1e-3, noun });

/**
 * Every class of construct. Priors: a lone bad host explains itself before anything shared may be
 * blamed (Flock, PACMNET 2023, separates links and devices likewise); results hardly depend on
 * them, as evidence of a real fault is tens to thousands of nats.
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
