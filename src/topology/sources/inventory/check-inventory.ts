import type { MemberPath } from './located-document.ts';
import type {
  PlacedInventory,
  PlacedNetwork,
  PlacedText,
  ReportProblem,
} from './placed-inventory.ts';
import { PrefixMap } from './prefix-map.ts';

/** Reports faults that a schema cannot express: unknown names, duplicates, overlaps. */
export function checkInventory(inventory: PlacedInventory, report: ReportProblem): void {
  const { networks, links } = inventory;
  checkNames(networks, 'networks', report);
  checkNames(links, 'links', report);
  checkIds(networks, report);
  checkIds(
    networks.flatMap(({ subnets }) => subnets),
    report,
  );
  checkIds(
    networks.flatMap(({ hosts }) => hosts),
    report,
  );
  for (const network of networks) {
    checkPlaces(network, report);
    checkAddresses(network, report);
    checkRoutes(inventory, network, report);
  }
  checkZones(inventory, report);
  checkLinks(inventory, report);
  checkServices(inventory, report);
}

interface Named {
  readonly of: { readonly name: string };
  readonly id: string;
  readonly path: MemberPath;
}

/** Names are unique within a list. */
function checkNames(parts: readonly Named[], list: string, report: ReportProblem): void {
  const names = new Set<string>();
  for (const { of, path } of parts) {
    if (names.has(of.name)) report([...path, 'name'], `duplicate name "${of.name}" in ${list}`);
    names.add(of.name);
  }
}

/** Ids are unique within a kind. Two equal names in one list are reported by `checkNames` only. */
function checkIds(parts: readonly Named[], report: ReportProblem): void {
  const owners = new Map<string, Named>();
  for (const part of parts) {
    const other = owners.get(part.id);
    owners.set(part.id, part);
    if (other === undefined) continue;
    const isOneList = String(other.path.slice(0, -1)) === String(part.path.slice(0, -1));
    if (isOneList && other.of.name === part.of.name) continue;
    report(part.path, `duplicate id ${part.id}, used by "${other.of.name}"`);
  }
}

/** Subnets are within their network. Prefixes of a network do not overlap, nor do subnets. */
function checkPlaces(network: PlacedNetwork, report: ReportProblem): void {
  const { of, subnets, prefixes } = network;
  checkNames(subnets, 'subnets', report);
  const own = new PrefixMap<PlacedText>();
  if (of.prefixes !== undefined) checkOverlaps(prefixes, own, report);
  const seen = new PrefixMap<PlacedText>();
  const inSubnets = subnets.flatMap((subnet) => subnet.prefixes);
  checkOverlaps(inSubnets, seen, report);
  if (of.prefixes === undefined) return;
  for (const { text, path } of inSubnets) {
    if (own.findAround(text) === undefined) {
      report(path, `${text} is outside of network "${of.name}"`);
    }
  }
}

/** Checks the shortest prefixes first, so a prefix can only lie within one checked before it. */
function checkOverlaps(
  prefixes: readonly PlacedText[],
  seen: PrefixMap<PlacedText>,
  report: ReportProblem,
): void {
  const lengthOf = ({ text }: PlacedText) => Number(text.split('/')[1]);
  for (const prefix of prefixes.toSorted((a, b) => lengthOf(a) - lengthOf(b))) {
    const other = seen.findAround(prefix.text);
    if (other !== undefined) report(prefix.path, `${prefix.text} overlaps ${other.text}`);
    seen.set(prefix.text, prefix);
  }
}

/** Every address is within the network and has one owner. */
function checkAddresses(network: PlacedNetwork, report: ReportProblem): void {
  const { of, hosts, natGateways, prefixes } = network;
  checkNames(hosts, 'hosts', report);
  checkNames(natGateways, 'NAT gateways', report);
  const space = new PrefixMap<true>();
  for (const { text } of prefixes) space.set(text, true);
  const owners = new Map<string, string>();
  for (const part of [...hosts, ...natGateways]) {
    for (const { text, path } of part.addresses) {
      const owner = owners.get(text);
      if (owner !== undefined) report(path, `${text} is also an address of "${owner}"`);
      owners.set(text, part.of.name);
      if (prefixes.length > 0 && space.find(text) === undefined) {
        report(path, `${text} is outside of the prefixes of network "${of.name}"`);
      }
    }
  }
  const subnetNames = new Set(network.subnets.map((subnet) => subnet.of.name));
  for (const gateway of natGateways) {
    if (subnetNames.has(gateway.of.subnet)) continue;
    report(
      [...gateway.path, 'subnet'],
      `unknown subnet "${gateway.of.subnet}" in network "${of.name}"`,
    );
  }
}

export const BLACKHOLE = 'blackhole';

/** The target of a route is a gateway of its network or a link of it. */
function checkRoutes(
  inventory: PlacedInventory,
  network: PlacedNetwork,
  report: ReportProblem,
): void {
  const { of, natGateways, subnets } = network;
  const links = inventory.links.filter((link) => link.of.networks.includes(of.name));
  const targets = new Set([
    BLACKHOLE,
    ...(of.internetGateway === undefined ? [] : [of.internetGateway]),
    ...natGateways.map((gateway) => gateway.of.name),
    ...links.map((link) => link.of.name),
  ]);
  for (const { via, path } of [network, ...subnets].flatMap(({ routes }) => routes ?? [])) {
    if (targets.has(via)) continue;
    report(
      [...path, 'via'],
      `unknown target "${via}"; expected a gateway or link of network "${of.name}", or blackhole`,
    );
  }
}

function checkZones({ of, networks }: PlacedInventory, report: ReportProblem): void {
  if (of.zones === undefined) return;
  const known = new Set(of.zones.map(({ id }) => id));
  for (const subnet of networks.flatMap(({ subnets }) => subnets)) {
    const { zone } = subnet.of;
    if (zone === undefined || known.has(zone)) continue;
    report([...subnet.path, 'zone'], `unknown zone "${zone}"; expected one of zones`);
  }
}

function checkLinks({ links, networks }: PlacedInventory, report: ReportProblem): void {
  const known = new Set(networks.map(({ of }) => of.name));
  for (const { of, path } of links) {
    const at = [...path, 'networks'];
    for (const [i, name] of of.networks.entries()) {
      if (!known.has(name)) report([...at, i], `unknown network "${name}"`);
      if (of.networks.indexOf(name) < i) report([...at, i], `duplicate network "${name}"`);
    }
    if (of.kind === 'peering' && of.networks.length > 2) {
      report(at, 'a peering joins two networks; for more, use kind transit');
    }
  }
}

function checkServices({ services }: PlacedInventory, report: ReportProblem): void {
  const seen = new Set<string>();
  for (const { of, region, prefixes } of services) {
    for (const { text, path } of prefixes) {
      const key = `${of.name} ${region} ${text}`;
      if (seen.has(key)) report(path, `duplicate prefix ${text} of service "${of.name}"`);
      seen.add(key);
    }
  }
}
