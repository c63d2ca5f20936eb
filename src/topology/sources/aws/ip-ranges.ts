import { canonicalPrefix } from '../../../model/address.ts';
import type { ServicePrefixResource } from '../../graph/resource.ts';
import type { SliceContent } from '../slice-reader.ts';

/**
 * Reads published prefixes in the format of ip-ranges.json ("AWS IP address ranges" in the VPC
 * guide). An unreadable entry is left out with a warning.
 *
 * @throws Error with a message for people, when the text has another format
 */
export function readIpRanges(text: string): SliceContent {
  const document = parseObject(text);
  const lists = [document.prefixes ?? [], document.ipv6_prefixes ?? []];
  const entries = lists.flat();
  if (!lists.every(Array.isArray) || entries.length === 0) {
    throw new Error('expected prefixes or ipv6_prefixes, as in ip-ranges.json');
  }
  const found = new Map<string, ServicePrefixResource>();
  const warnings: string[] = [];
  for (const entry of entries) {
    const resource = servicePrefix(entry);
    if (resource === undefined)
      warnings.push(`unreadable entry: ${JSON.stringify(entry).slice(0, 200)}`);
    else found.set(resource.id, resource);
  }
  return { resources: [...found.values()], warnings };
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new Error('ip-ranges.json is not JSON', { cause });
  }
  return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
}

function servicePrefix(entry: unknown): ServicePrefixResource | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  const members: Readonly<Record<string, unknown>> = { ...entry };
  const prefix = canonicalPrefix(String(members.ip_prefix ?? members.ipv6_prefix));
  const { service, region, network_border_group: networkBorderGroup = region } = members;
  if (prefix === undefined || typeof service !== 'string' || typeof region !== 'string') {
    return undefined;
  }
  if (typeof networkBorderGroup !== 'string') return undefined;
  return {
    kind: 'service-prefix',
    id: `${service} ${region} ${prefix}`,
    prefix,
    service,
    region,
    networkBorderGroup,
  };
}
