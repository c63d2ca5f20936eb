import { canonicalAddress, canonicalPrefix } from '../../../model/address.ts';
import { stableId } from '../../../model/ids.ts';
import type { Owner } from '../../../model/owner.ts';
import { instanceId, networkId, subnetId } from '../../derived-ids.ts';
import type {
  Inventory,
  InventoryHost,
  InventoryLink,
  InventoryNatGateway,
  InventoryNetwork,
  InventoryRoute,
  InventoryService,
  InventorySubnet,
} from './inventory-schema.ts';
import type { MemberPath } from './located-document.ts';

/** Receives the faults of members. */
export type ReportProblem = (path: MemberPath, message: string) => void;

/** A prefix or address as canonical text, and its path in the document. */
export interface PlacedText {
  readonly text: string;
  readonly path: MemberPath;
}

export function textsOf(placed: readonly PlacedText[]): string[] {
  return placed.map(({ text }) => text);
}

/** A part of an inventory with its id and its path in the document. */
interface Placed<Part> {
  readonly of: Part;
  readonly id: string;
  readonly path: MemberPath;
}

export interface PlacedRoute {
  /** A canonical prefix. */
  readonly to: string;
  readonly via: string;
  readonly path: MemberPath;
}

export interface PlacedSubnet extends Placed<InventorySubnet> {
  readonly prefixes: readonly PlacedText[];
  /** Undefined when the routes of the network apply. */
  readonly routes: readonly PlacedRoute[] | undefined;
}

export interface PlacedHost extends Placed<InventoryHost> {
  readonly addresses: readonly PlacedText[];
  readonly publicAddresses: readonly PlacedText[];
}

export interface PlacedNatGateway extends Placed<InventoryNatGateway> {
  readonly addresses: readonly PlacedText[];
  readonly publicAddresses: readonly PlacedText[];
}

export interface PlacedNetwork extends Placed<InventoryNetwork> {
  readonly owner: Owner;
  /** The listed prefixes; without any, those of its subnets. */
  readonly prefixes: readonly PlacedText[];
  readonly subnets: readonly PlacedSubnet[];
  readonly hosts: readonly PlacedHost[];
  readonly natGateways: readonly PlacedNatGateway[];
  readonly routes: readonly PlacedRoute[];
}

export type PlacedLink = Placed<InventoryLink>;

export interface PlacedService {
  readonly of: InventoryService;
  readonly region: string;
  readonly prefixes: readonly PlacedText[];
}

/** An inventory with an id for each part and with canonical addresses. */
export interface PlacedInventory {
  readonly owner: Owner;
  readonly of: Inventory;
  readonly networks: readonly PlacedNetwork[];
  readonly links: readonly PlacedLink[];
  readonly services: readonly PlacedService[];
}

/**
 * Gives every part an id: the listed one, or one derived from names. An agent that is configured
 * with the same names derives the same id. Unreadable prefixes and addresses are reported and left
 * out.
 *
 * @param fallback the account and Region of parts that name none
 */
export function placeInventory(
  inventory: Inventory,
  fallback: Owner,
  report: ReportProblem,
): PlacedInventory {
  const owner = {
    account: inventory.account ?? fallback.account,
    region: inventory.region ?? fallback.region,
  };
  const place = new Placing(report);
  return {
    owner,
    of: inventory,
    networks: (inventory.networks ?? []).map((network, i) =>
      place.network(network, owner, ['networks', i]),
    ),
    links: (inventory.links ?? []).map((link, i) => ({
      of: link,
      id: stableId(link.kind === 'peering' ? 'pcx' : 'tgw', owner.account, owner.region, link.name),
      path: ['links', i],
    })),
    services: (inventory.services ?? []).map((service, i) => ({
      of: service,
      region: service.region ?? owner.region,
      prefixes: place.prefixes(service.prefixes, ['services', i, 'prefixes']),
    })),
  };
}

class Placing {
  readonly #report: ReportProblem;

  constructor(report: ReportProblem) {
    this.#report = report;
  }

  network(network: InventoryNetwork, fallback: Owner, path: MemberPath): PlacedNetwork {
    const { account = fallback.account, region = fallback.region } = network;
    const owner = { account, region };
    const id = network.id ?? networkId(owner, network.name);
    const subnets = (network.subnets ?? []).map((subnet, i) =>
      this.#subnet(subnet, id, [...path, 'subnets', i]),
    );
    const own = this.prefixes(network.prefixes ?? [], [...path, 'prefixes']);
    return {
      of: network,
      id,
      path,
      owner,
      prefixes: network.prefixes === undefined ? subnets.flatMap(({ prefixes }) => prefixes) : own,
      subnets,
      hosts: (network.hosts ?? []).map((host, i) => ({
        ...this.#addresses(host, [...path, 'hosts', i]),
        id: host.id ?? instanceId(owner, host.name),
      })),
      natGateways: (network.natGateways ?? []).map((gateway, i) => ({
        ...this.#addresses(gateway, [...path, 'natGateways', i]),
        id: stableId('nat', id, gateway.name),
      })),
      routes: this.#routes(network.routes ?? [], [...path, 'routes']),
    };
  }

  prefixes(texts: readonly string[], path: MemberPath): PlacedText[] {
    return texts.flatMap((written, i) => {
      const text = this.#prefix(written, [...path, i]);
      return text === undefined ? [] : [{ text, path: [...path, i] }];
    });
  }

  #prefix(written: string, path: MemberPath): string | undefined {
    const text = canonicalPrefix(written);
    if (text === undefined) this.#report(path, `"${written}" is not a prefix`);
    // Host bits are more often a typo in the length than in the address, so they are rejected.
    else if (canonicalAddress(written.split('/')[0] ?? '') !== text.split('/')[0]) {
      this.#report(path, `"${written}" has bits beyond its length; did you mean ${text}?`);
    } else return text;
    return undefined;
  }

  #subnet(subnet: InventorySubnet, vpcId: string, path: MemberPath): PlacedSubnet {
    const prefixes = this.prefixes(subnet.prefixes, [...path, 'prefixes']);
    const id = subnet.id ?? subnetId(vpcId, prefixes[0]?.text ?? '');
    const routes = subnet.routes && this.#routes(subnet.routes, [...path, 'routes']);
    return { of: subnet, id, path, prefixes, routes };
  }

  #routes(routes: readonly InventoryRoute[], path: MemberPath): PlacedRoute[] {
    return routes.flatMap(({ to: written, via }, i) => {
      const to = this.#prefix(written, [...path, i, 'to']);
      return to === undefined ? [] : [{ to, via, path: [...path, i] }];
    });
  }

  #addresses<Part extends { addresses: readonly string[]; publicAddresses?: readonly string[] }>(
    part: Part,
    path: MemberPath,
  ) {
    const read = (member: 'addresses' | 'publicAddresses') =>
      (part[member] ?? []).flatMap((written, i) => {
        const at = [...path, member, i];
        const text = canonicalAddress(written);
        if (text !== undefined) return [{ text, path: at }];
        this.#report(at, `"${written}" is not an address`);
        return [];
      });
    return {
      of: part,
      path,
      addresses: read('addresses'),
      publicAddresses: read('publicAddresses'),
    };
  }
}
