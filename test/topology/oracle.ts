import type { Resource, ResourceKind, ResourceOf } from '../../src/topology/graph/resource.ts';
import type { SourceStatement } from '../../src/topology/graph/source-statement.ts';

/** The identity of an address as seen from one network; "" for an unknown member. */
export interface OracleEnd {
  readonly account: string;
  readonly region: string;
  readonly vpcId: string;
  readonly subnetId: string;
  readonly az: string;
  readonly instanceId: string;
  readonly service: string;
}

export interface OracleAnswer {
  readonly remote: OracleEnd;
  readonly category: string;
  readonly identifier: string;
  /** The constructs on the path: their ids, or names of services. */
  readonly path: readonly string[];
  readonly snatAddress: string;
  readonly dnatAddress: string;
  readonly remotePod: string;
  readonly remoteService: string;
}

export interface OracleQuestion {
  readonly account: string;
  readonly region: string;
  readonly vpcId: string;
  readonly instanceId: string;
  readonly localAddress: string;
  readonly remoteAddress: string;
  readonly timeSeconds: number;
}

type Interface = ResourceOf<'network-interface'>;

interface Known {
  readonly localSubnet: string;
  readonly remote: OracleEnd;
  readonly walk: Walk;
  readonly nic: Interface | undefined;
}

interface Walk {
  readonly hops: readonly string[];
  readonly end: 'network' | 'internet' | 'transit-gateway' | 'elsewhere';
  readonly vpcId: string;
  readonly gateway: string;
  readonly snatAddress: string;
}

interface AnyRoute {
  readonly destination: string;
  readonly target: string;
  readonly id: string;
}

const UNTRANSLATED = { snatAddress: '', dnatAddress: '' };

const NOWHERE: OracleEnd = {
  account: '',
  region: '',
  vpcId: '',
  subnetId: '',
  az: '',
  instanceId: '',
  service: '',
};

/**
 * A second implementation of the topology's answers, to compare with. It searches the statements of
 * a time from beginning to end and compares addresses as big integers. It is slow. From `topology`
 * it uses only the types of source statements.
 */
export class Oracle {
  readonly #moments: readonly { readonly atSeconds: number; readonly state: WorldState }[];

  /** @param history the statements of all slices at each time, oldest first */
  constructor(history: readonly (readonly SourceStatement[])[]) {
    this.#moments = history.map((statements) => ({
      atSeconds: statements[0]?.atSeconds ?? 0,
      state: new WorldState(statements.flatMap(({ resources }) => resources)),
    }));
  }

  answer(question: OracleQuestion): OracleAnswer {
    const moment = this.#moments.findLast(({ atSeconds }) => atSeconds <= question.timeSeconds);
    if (moment === undefined) throw new RangeError('the world had not begun');
    return moment.state.answer(question);
  }
}

/** The resources of a world at one time. */
class WorldState {
  readonly #all: readonly Resource[];
  readonly #lists = new Map<ResourceKind, readonly Resource[]>();
  readonly #byAddress = new Map<string, Interface>();
  readonly #byPublicAddress = new Map<string, Interface>();
  readonly #podByAddress = new Map<string, ResourceOf<'kubernetes-pod'>>();
  readonly #byKey = new Map<string, Resource>();
  readonly #subnets: readonly ResourceOf<'subnet'>[];
  readonly #tables: readonly ResourceOf<'route-table'>[];
  readonly #transitTables: readonly ResourceOf<'transit-gateway-route-table'>[];

  constructor(all: readonly Resource[]) {
    this.#all = all;
    for (const resource of all) this.#byKey.set(`${resource.kind} ${resource.id}`, resource);
    for (const nic of this.#of('network-interface')) {
      for (const address of nic.addresses) this.#byAddress.set(`${nic.vpcId} ${address}`, nic);
      for (const address of nic.publicAddresses ?? []) this.#byPublicAddress.set(address, nic);
    }
    for (const pod of this.#of('kubernetes-pod')) {
      const vpcId = this.#get('kubernetes-cluster', pod.clusterId)?.vpcId;
      for (const address of pod.addresses) this.#podByAddress.set(`${vpcId} ${address}`, pod);
    }
    this.#subnets = this.#of('subnet');
    this.#tables = this.#of('route-table');
    this.#transitTables = this.#of('transit-gateway-route-table');
  }

  answer(question: OracleQuestion): OracleAnswer {
    const { vpcId, remoteAddress, localAddress } = question;
    const localSubnet = this.#byAddress.get(`${vpcId} ${localAddress}`)?.subnetId ?? '';
    const walk = this.#walk(vpcId, localSubnet, remoteAddress);
    const nic = this.#holder(question, walk);
    const remote = this.#remote(question, walk, nic);
    const known = { localSubnet, remote, walk, nic };
    const category = this.#category(question, known);
    const endpoint = this.#gatewayEndpoint(question, known);
    const path = [
      question.instanceId,
      ...this.#ids(this.#byAddress.get(`${vpcId} ${localAddress}`)),
      ...(endpoint === undefined ? walk.hops : [endpoint]),
      ...this.#farSide(nic, remote),
    ];
    const isOwn = localAddress === remoteAddress;
    const pods = this.#pods(question);
    return {
      remote,
      category,
      identifier: this.#identifier(question, { category, remote, walk }),
      path: isOwn ? [question.instanceId] : path,
      ...(endpoint === undefined && !isOwn ? this.#translated(question, walk, nic) : UNTRANSLATED),
      ...pods,
    };
  }

  /** An internet gateway translates between an interface's only public address and its first own one. */
  #translated({ vpcId, localAddress, remoteAddress }: OracleQuestion, walk: Walk, nic?: Interface) {
    if (remoteAddress.includes(':')) return UNTRANSLATED;
    if (walk.end !== 'internet') return { ...UNTRANSLATED, snatAddress: walk.snatAddress };
    const own = this.#byAddress.get(`${vpcId} ${localAddress}`)?.publicAddresses ?? [];
    const snatAddress = walk.snatAddress || (own.length === 1 ? own.join() : '');
    return { snatAddress, dnatAddress: nic?.addresses[0] ?? '' };
  }

  /** The interface with the remote address: in this VPC, in the VPC the routes lead to, or public. */
  #holder({ vpcId, remoteAddress }: OracleQuestion, walk: Walk): Interface | undefined {
    const own = this.#byAddress.get(`${vpcId} ${remoteAddress}`);
    if (own !== undefined || this.#subnetOf(vpcId, remoteAddress) !== undefined) return own;
    return walk.end === 'network'
      ? this.#byAddress.get(`${walk.vpcId} ${remoteAddress}`)
      : this.#byPublicAddress.get(remoteAddress);
  }

  #remote(
    { vpcId, remoteAddress }: OracleQuestion,
    walk: Walk,
    nic: Interface | undefined,
  ): OracleEnd {
    if (nic !== undefined) return this.#endOf(nic);
    const own = this.#subnetOf(vpcId, remoteAddress);
    if (own !== undefined) return subnetEnd(own);
    if (walk.end === 'network') {
      const far = this.#subnetOf(walk.vpcId, remoteAddress);
      if (far !== undefined) return subnetEnd(far);
      const vpc = this.#get('vpc', walk.vpcId);
      return {
        ...NOWHERE,
        account: vpc?.account ?? '',
        region: vpc?.region ?? '',
        vpcId: walk.vpcId,
      };
    }
    const published = this.#published(remoteAddress);
    if (published === undefined) return NOWHERE;
    return { ...NOWHERE, region: published.region, service: serviceName(published.service) };
  }

  #endOf(nic: Interface): OracleEnd {
    const { account, region, vpcId, subnetId = '', instanceId = '' } = nic;
    const endpoint = this.#get('vpc-endpoint', nic.ownerId ?? '');
    if (endpoint !== undefined)
      return { ...NOWHERE, account, region, service: 'Amazon CloudWatch Logs' };
    const az = this.#get('subnet', subnetId)?.zoneId ?? '';
    return { account, region, vpcId, subnetId, az, instanceId, service: '' };
  }

  #published(address: string): ResourceOf<'service-prefix'> | undefined {
    const holding = this.#of('service-prefix').filter(({ prefix }) => holds(prefix, address));
    const longest = Math.max(...holding.map(({ prefix }) => bitsOf(prefix)));
    const best = holding.filter(({ prefix }) => bitsOf(prefix) === longest);
    return best.find(({ service }) => serviceName(service) !== '') ?? best[0];
  }

  #category(question: OracleQuestion, parts: Known): string {
    const { vpcId, region, remoteAddress } = question;
    const { localSubnet, remote, walk } = parts;
    if (this.#isInLocalZone(question, parts)) return 'LOCAL_ZONE';
    if (remote.service === 'Amazon S3') return 'AMAZON_S3';
    if (remote.service === 'Amazon DynamoDB') return 'AMAZON_DYNAMODB';
    if (remote.vpcId === vpcId && remote.az !== '') {
      const zone = this.#get('subnet', localSubnet)?.zoneId;
      return remote.az === zone ? 'INTRA_AZ' : 'INTER_AZ';
    }
    if (remote.vpcId !== '' && remote.vpcId !== vpcId && remote.region === region)
      return 'INTER_VPC';
    if (!['', 'GLOBAL', region].includes(remote.region)) return 'INTER_REGION';
    if (remote.service !== '') return 'AWS_SERVICE';
    if (remote.region !== '') return 'UNCLASSIFIED';
    const isPrivate = /^(10\.|172\.(1[6-9]|2\d|3[01])\.|192\.168\.)/.test(remoteAddress);
    if (walk.end === 'internet' && !isPrivate) return 'INTERNET';
    return walk.end === 'transit-gateway' ? 'TRANSIT_GATEWAY' : 'UNCLASSIFIED';
  }

  #isInLocalZone({ remoteAddress }: OracleQuestion, parts: Known): boolean {
    const { localSubnet, remote, nic } = parts;
    const isLocal = (subnet: string) =>
      this.#get('zone', this.#get('subnet', subnet)?.zoneId ?? '')?.zoneType === 'local';
    if (isLocal(localSubnet) || isLocal(nic?.subnetId ?? remote.subnetId)) return true;
    const isPublished = remote.region !== '' && remote.account === '';
    const published = isPublished ? this.#published(remoteAddress) : undefined;
    return published !== undefined && published.networkBorderGroup !== published.region;
  }

  #identifier(
    { region }: OracleQuestion,
    parts: { readonly category: string; readonly remote: OracleEnd; readonly walk: Walk },
  ): string {
    const { category, remote, walk } = parts;
    if (remote.subnetId !== '') {
      return `arn:aws:ec2:${remote.region}:${remote.account}:subnet/${remote.subnetId}`;
    }
    if (['AMAZON_S3', 'AMAZON_DYNAMODB', 'UNCLASSIFIED'].includes(category)) return region;
    if (category === 'INTER_REGION') return remote.region;
    if (category === 'AWS_SERVICE') return remote.service;
    if (category !== 'TRANSIT_GATEWAY') return '';
    const gateway = this.#get('transit-gateway', walk.gateway);
    return `arn:aws:ec2:${gateway?.region}:${gateway?.account}:transit-gateway/${walk.gateway}`;
  }

  #gatewayEndpoint(
    { vpcId }: OracleQuestion,
    { localSubnet, remote, nic }: Known,
  ): string | undefined {
    if (remote.service !== 'Amazon S3' || nic !== undefined) return undefined;
    const table = this.#table(vpcId, localSubnet);
    const endpoint = this.#of('vpc-endpoint').find(
      ({ endpointType, routeTableIds = [], region }) =>
        endpointType === 'gateway' &&
        region === remote.region &&
        table !== undefined &&
        routeTableIds.includes(table.id),
    );
    return endpoint?.id;
  }

  /** The remote interface and the construct behind it, or only the service. */
  #farSide(nic: Interface | undefined, remote: OracleEnd): string[] {
    if (nic !== undefined) return this.#ids(nic).concat(this.#behind(nic));
    return remote.service === '' ? [] : [remote.service];
  }

  #behind({ instanceId, ownerId = '' }: Interface): string[] {
    if (instanceId !== undefined) return [instanceId];
    if (ownerId === '') return [];
    return this.#get('vpc-endpoint', ownerId) === undefined
      ? [ownerId]
      : [ownerId, 'Amazon CloudWatch Logs'];
  }

  #ids(nic: Interface | undefined): string[] {
    return nic === undefined ? [] : [nic.id];
  }

  #walk(vpcId: string, subnetId: string, address: string): Walk {
    const seen: string[] = [];
    let walk: Walk = { hops: [], end: 'elsewhere', vpcId, gateway: '', snatAddress: '' };
    let table: string | undefined = this.#table(vpcId, subnetId)?.id;
    while (table !== undefined && !seen.includes(table)) {
      seen.push(table);
      const route = this.#longest(table, address);
      if (route === undefined) return walk;
      [walk, table] = this.#step(walk, route);
    }
    return walk;
  }

  /** The walk after a route, and the id of the table for the next step. */
  #step(walk: Walk, { target, id }: AnyRoute): readonly [Walk, string | undefined] {
    switch (target) {
      case 'local':
        return [{ ...walk, end: 'network' }, undefined];
      case 'vpc-peering':
        return [this.#acrossPeering(walk, id), undefined];
      case 'internet-gateway':
        return [{ ...walk, hops: [...walk.hops, id], end: 'internet' }, undefined];
      case 'nat-gateway': {
        const nat = this.#get('nat-gateway', id);
        if (nat === undefined) return [walk, undefined];
        const snatAddress = nat.publicAddresses[0] ?? '';
        const next = { ...walk, hops: [...walk.hops, id], snatAddress };
        return [next, this.#table(nat.vpcId, nat.subnetId)?.id];
      }
      case 'transit-gateway':
        return this.#upToGateway(walk, id);
      case 'attachment':
        return this.#downFromGateway(walk, id);
      default:
        return [walk, undefined];
    }
  }

  #acrossPeering(walk: Walk, id: string): Walk {
    const peering = this.#get('vpc-peering', id);
    if (peering === undefined) return walk;
    const { requester, accepter } = peering;
    const vpcId = requester.vpcId === walk.vpcId ? accepter.vpcId : requester.vpcId;
    return { ...walk, hops: [...walk.hops, id], end: 'network', vpcId };
  }

  #upToGateway(walk: Walk, gateway: string): readonly [Walk, string | undefined] {
    const attachment = this.#of('transit-gateway-attachment').find(
      ({ transitGatewayId, attachedId }) =>
        transitGatewayId === gateway && attachedId === walk.vpcId,
    );
    const passed = attachment === undefined ? [gateway] : [attachment.id, gateway];
    const next = {
      ...walk,
      end: 'transit-gateway' as const,
      hops: [...walk.hops, ...passed],
      gateway,
    };
    return [next, attachment && this.#transitTable(gateway, attachment.id)];
  }

  #downFromGateway(walk: Walk, id: string): readonly [Walk, string | undefined] {
    const end = 'transit-gateway' as const;
    const peering = this.#get('transit-gateway-peering', id);
    const attachment = this.#get('transit-gateway-attachment', id);
    const hops = [...walk.hops, id];
    if (peering !== undefined) {
      const { requester, accepter } = peering;
      const isFirst = walk.gateway === requester.transitGatewayId;
      const gateway = isFirst ? accepter.transitGatewayId : requester.transitGatewayId;
      const next = { ...walk, end, gateway, hops: [...hops, gateway] };
      return [next, this.#transitTable(gateway, id)];
    }
    if (attachment === undefined) return [{ ...walk, end }, undefined];
    if (attachment.attached !== 'vpc') return [{ ...walk, end, hops }, undefined];
    const vpcId = attachment.attachedId;
    const next = { ...walk, end: 'elsewhere' as const, hops, vpcId };
    return [next, this.#table(vpcId, attachment.subnetIds?.[0] ?? '')?.id];
  }

  /** The route of a table of either kind with the longest matching destination. */
  #longest(tableId: string, address: string): AnyRoute | undefined {
    let longest: AnyRoute | undefined;
    const offer = (destination: string, target: string, id: string) => {
      const isLonger = longest === undefined || bitsOf(destination) > bitsOf(longest.destination);
      if (isLonger && holds(destination, address)) longest = { destination, target, id };
    };
    const table = this.#get('route-table', tableId);
    for (const route of table?.routes ?? []) offer(route.destination, route.target, route.targetId);
    for (const cidr of this.#get('vpc', table?.vpcId ?? '')?.cidrs ?? []) offer(cidr, 'local', '');
    const transit = this.#get('transit-gateway-route-table', tableId);
    for (const route of transit?.routes ?? []) {
      offer(route.destination, 'attachment', route.attachmentId);
    }
    return longest;
  }

  #table(vpcId: string, subnetId: string): ResourceOf<'route-table'> | undefined {
    return (
      this.#tables.find(({ subnetIds }) => subnetIds.includes(subnetId)) ??
      this.#tables.find((table) => table.vpcId === vpcId && table.isMain)
    );
  }

  #transitTable(gateway: string, attachment: string): string | undefined {
    return this.#transitTables.find(
      ({ transitGatewayId, associations }) =>
        transitGatewayId === gateway && associations.includes(attachment),
    )?.id;
  }

  #subnetOf(vpcId: string, address: string): ResourceOf<'subnet'> | undefined {
    return this.#subnets.find(
      (subnet) => subnet.vpcId === vpcId && subnet.cidrs.some((cidr) => holds(cidr, address)),
    );
  }

  #pods({ vpcId, localAddress, remoteAddress }: OracleQuestion) {
    const clusterOf = (address: string) => this.#podByAddress.get(`${vpcId} ${address}`)?.clusterId;
    const cluster = this.#of('kubernetes-cluster').find((own) => own.vpcId === vpcId);
    if (cluster === undefined) return { remotePod: '', remoteService: '' };
    const services = this.#of('kubernetes-service').filter(
      ({ clusterId }) => clusterId === cluster.id,
    );
    const service = services.find(
      ({ endpoints, clusterAddresses }) =>
        clusterAddresses.includes(remoteAddress) ||
        endpoints.some(({ address }) => address === remoteAddress),
    );
    const local = clusterOf(localAddress);
    const pod = this.#podByAddress.get(`${vpcId} ${remoteAddress}`);
    const isKnown = local === undefined || (pod?.clusterId ?? service?.clusterId) === local;
    return {
      remotePod: (isKnown && pod?.name) || '',
      remoteService: (isKnown && service?.name) || '',
    };
  }

  #of<Kind extends ResourceKind>(kind: Kind): ResourceOf<Kind>[] {
    const known = this.#lists.get(kind) ?? this.#all.filter((resource) => resource.kind === kind);
    this.#lists.set(kind, known);
    return known as unknown as ResourceOf<Kind>[];
  }

  #get<Kind extends ResourceKind>(kind: Kind, id: string): ResourceOf<Kind> | undefined {
    return this.#byKey.get(`${kind} ${id}`) as unknown as ResourceOf<Kind> | undefined;
  }
}

function subnetEnd({ account, region, vpcId, id, zoneId = '' }: ResourceOf<'subnet'>): OracleEnd {
  return { ...NOWHERE, account, region, vpcId, subnetId: id, az: zoneId };
}

function serviceName(published: string): string {
  const names: Readonly<Record<string, string>> = {
    S3: 'Amazon S3',
    DYNAMODB: 'Amazon DynamoDB',
    CLOUDFRONT: 'Amazon CloudFront',
    API_GATEWAY: 'Amazon API Gateway',
  };
  return names[published] ?? '';
}

interface Range {
  readonly bits: number;
  readonly isV6: boolean;
  readonly shift: bigint;
  readonly first: bigint;
}

const ranges = new Map<string, Range>();

/** Parses a prefix, with a cache: the scans read each prefix a hundred thousand times. */
function rangeOf(prefix: string): Range {
  const known = ranges.get(prefix);
  if (known !== undefined) return known;
  const [base = '', length = ''] = prefix.split('/');
  const isV6 = base.includes(':');
  const shift = BigInt((isV6 ? 128 : 32) - Number(length));
  const range = { bits: Number(length), isV6, shift, first: numberOf(base) >> shift };
  ranges.set(prefix, range);
  return range;
}

const bitsOf = (prefix: string) => rangeOf(prefix).bits;

function holds(prefix: string, address: string): boolean {
  const { isV6, shift, first } = rangeOf(prefix);
  return isV6 === address.includes(':') && numberOf(address) >> shift === first;
}

const numbers = new Map<string, bigint>();

function numberOf(address: string): bigint {
  const known = numbers.get(address);
  if (known !== undefined) return known;
  const v4 = () => address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
  const number = address.includes(':') ? v6(address) : v4();
  numbers.set(address, number);
  return number;
}

function v6(address: string): bigint {
  const [head = '', tail = ''] = address.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const missing = 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array.from({ length: missing }, () => '0'), ...groups(tail)];
  return all.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
}
