import type { ResourceKind, ResourceOf } from '../graph/resource.ts';
import type { Histories, Steps } from './histories.ts';

/** Called for a reference to a resource that no source describes. */
type OnDangling = (id: string, target: string) => void;

/** Finds references from current resources to resources that no source describes now. */
export function* findDangling(histories: Histories, onDangling: OnDangling): Steps {
  yield* new DanglingFinder(histories, onDangling).find();
}

class DanglingFinder {
  readonly #histories: Histories;
  readonly #onDangling: OnDangling;
  readonly #vpcs: ReadonlySet<string>;
  readonly #subnets: ReadonlySet<string>;
  readonly #transitGateways: ReadonlySet<string>;

  constructor(histories: Histories, onDangling: OnDangling) {
    this.#histories = histories;
    this.#onDangling = onDangling;
    this.#vpcs = this.#idsOf('vpc');
    this.#subnets = this.#idsOf('subnet');
    this.#transitGateways = this.#idsOf('transit-gateway');
  }

  *find(): Steps {
    const nodes = this.#idsOf('kubernetes-node');
    yield* this.#histories.eachCurrent('subnet', ({ id, vpcId }) => {
      this.#check(id, vpcId, this.#vpcs);
    });
    yield* this.#histories.eachCurrent('network-interface', ({ id, vpcId, subnetId = '' }) => {
      this.#check(id, vpcId, this.#vpcs);
      this.#check(id, subnetId, this.#subnets);
    });
    yield* this.#findInRouteTables();
    yield* this.#findInTransitTables();
    yield* this.#histories.eachCurrent('kubernetes-pod', ({ id, clusterId, nodeName }) => {
      this.#check(id, `${clusterId}/${nodeName}`, nodes);
    });
  }

  #findInRouteTables(): Steps {
    const targets: TargetIds = {
      'vpc-peering': this.#idsOf('vpc-peering'),
      'transit-gateway': this.#transitGateways,
      'nat-gateway': this.#idsOf('nat-gateway'),
    };
    return this.#histories.eachCurrent('route-table', ({ id, vpcId, subnetIds, routes }) => {
      this.#check(id, vpcId, this.#vpcs);
      for (const subnetId of subnetIds) this.#check(id, subnetId, this.#subnets);
      for (const { target, targetId } of routes) {
        const known = targets[target];
        if (known !== undefined) this.#check(id, targetId, known);
      }
    });
  }

  #findInTransitTables(): Steps {
    const attachments = new Set([
      ...this.#idsOf('transit-gateway-attachment'),
      ...this.#idsOf('transit-gateway-peering'),
    ]);
    return this.#histories.eachCurrent('transit-gateway-route-table', (table) => {
      this.#check(table.id, table.transitGatewayId, this.#transitGateways);
      for (const { attachmentId } of table.routes) this.#check(table.id, attachmentId, attachments);
    });
  }

  #check(id: string, target: string, known: ReadonlySet<string>): void {
    if (target !== '' && !known.has(target)) this.#onDangling(id, target);
  }

  #idsOf(kind: ResourceKind): ReadonlySet<string> {
    return new Set(this.#histories.current(kind).keys());
  }
}

/** The ids of targets that sources describe, by the kind of target. */
type TargetIds = Partial<
  Record<ResourceOf<'route-table'>['routes'][number]['target'], ReadonlySet<string>>
>;
