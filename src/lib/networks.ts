import { BlockList, isIP } from 'node:net';
import { listOf } from './setting.ts';

/**
 * Parses addresses and CIDRs, comma separated.
 *
 * @returns undefined when an item is neither
 */
export function parseNetworks(text: string): BlockList | undefined {
  const list = new BlockList();
  return listOf(text).every((item) => add(list, item)) ? list : undefined;
}

function add(list: BlockList, item: string): boolean {
  const [, network = '', prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(item) ?? [];
  const version = isIP(network);
  const maxBits = version === 4 ? 32 : 128;
  const bits = prefix === undefined ? maxBits : Number(prefix);
  if (version === 0 || bits > maxBits) return false;
  list.addSubnet(network, bits, version === 4 ? 'ipv4' : 'ipv6');
  return true;
}
