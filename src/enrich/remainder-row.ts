import type { DestinationCategory } from '../model/category.ts';
import {
  type EnrichedFlow,
  LOOPBACK_IDENTIFIER,
  NO_ADDRESS,
  UNKNOWN_END,
} from '../model/enriched-flow.ts';
import type { CategoryHint, Remainder } from '../model/report.ts';
import type { ReportingHost } from './reporting-host.ts';

const CATEGORY_OF_HINT: Readonly<Record<CategoryHint, DestinationCategory>> = {
  loopback: 'INTRA_AZ',
  private: 'UNCLASSIFIED',
  global: 'INTERNET',
};

/**
 * A row for the flows cut from a report. It names the host, and the subnet if the host has only
 * one.
 */
export function remainderRow(
  remainder: Remainder,
  host: ReportingHost,
  timeSeconds: number,
): EnrichedFlow {
  const { side, hint, flows, values } = remainder;
  const { owner, vpcId, az, instanceId, cluster } = host;
  const subnets = new Set([...host.subnetOf.values()].filter((subnet) => subnet !== ''));
  const [subnetId = ''] = subnets.size === 1 ? subnets : [];
  const { account, region } = owner;
  const local = { account, region, vpcId, subnetId, az, instanceId };
  const identifiers = { loopback: LOOPBACK_IDENTIFIER, private: region, global: '' };
  return {
    timeSeconds,
    owner,
    flow: { side, localAddress: NO_ADDRESS, remoteAddress: NO_ADDRESS, servicePort: 0, values },
    flowsCut: flows,
    local,
    cluster,
    remote: hint === 'loopback' ? local : UNKNOWN_END,
    category: CATEGORY_OF_HINT[hint],
    remoteIdentifier: identifiers[hint],
  };
}
