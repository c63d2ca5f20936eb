import type { Scopes } from '../../control/scopes.ts';
import { invalid } from '../../model/api-error.ts';
import { scopeArn } from '../../model/arn.ts';
import type { PathEnd } from '../../model/topology.ts';
import { RESOURCE_KINDS } from '../../topology/graph/resource.ts';
import type { ResourceGraph } from '../../topology/graph/resource-graph.ts';
import { countGraph, diffGraph, showGraph } from '../../topology/graph/show-graph.ts';
import type { SourceStatus, TopologySourceName } from '../../topology/graph/source-statement.ts';
import { type Issues, RESOLUTIONS } from '../../topology/snapshot/find-issues.ts';
import type { FoundAddress, TopologyView } from '../../topology/topology-view.ts';
import { jsonAnswer } from '../json-answer.ts';
import { type Administration, managementOnly } from './administration.ts';
import { type ExtensionCall, type ExtensionRoute, labelOf } from './extension-route.ts';
import { QueryParameters } from './query-parameters.ts';
import { required } from './read-value.ts';

export interface TopologyRouteDeps {
  readonly graph: Pick<ResourceGraph, 'statuses' | 'histories'>;
  readonly view: () => Pick<TopologyView, 'everywhere' | 'locate' | 'pathOf'>;
  readonly issues: () => Issues;
  readonly scopes: Pick<Scopes, 'get'>;
  readonly administration: Administration;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const MAX_SHOWN = 1_000;
/** Three times the interval at which a source is read; an inventory is read when it changes. */
const STALE_SECONDS: Readonly<Record<TopologySourceName, number>> = {
  aws: 3 * 86_400,
  kubernetes: 180,
  inventory: Number.POSITIVE_INFINITY,
  agents: Number.POSITIVE_INFINITY,
};
/** The targets of scopes are read every 5 minutes, the published prefixes daily. */
const STALE_TARGET_SECONDS = 900;
/** Networks that an error message lists. */
const MAX_NAMED_NETWORKS = 20;
const DEFAULT_SHOWN = 100;

type Answer = (deps: TopologyRouteDeps, call: ExtensionCall) => object;

/**
 * `/api/v1/topology/…` shows the layout of the network and its sources to the management account,
 * because it describes the whole installation. `/api/v1/scopes/{scopeId}/topology` shows the owner
 * of a scope the state of the sources of its targets.
 */
export function topologyRoutes(deps: TopologyRouteDeps): readonly ExtensionRoute[] {
  const get = (name: string, action: ExtensionRoute['action'], answer: Answer): ExtensionRoute => ({
    method: 'GET',
    path: `/api/v1/topology/${name}`,
    action,
    answer: managementOnly(deps.administration, 'the topology', async (call) =>
      jsonAnswer(answer(deps, call)),
    ),
  });
  return [
    get('status', 'nfm:GetTopologyStatus', status),
    get('lookup', 'nfm:GetTopologyAddress', lookup),
    get('path', 'nfm:GetTopologyPath', path),
    get('show', 'nfm:GetTopologyResources', show),
    get('diff', 'nfm:GetTopologyChanges', diff),
    {
      method: 'GET',
      path: '/api/v1/scopes/{scopeId}/topology',
      action: 'nfm:GetScopeTopology',
      resource: (call) => scopeArn(call.principal, labelOf(call, 'scopeId')),
      answer: async (call) => jsonAnswer(await scopeTopology(deps, call)),
    },
  ];
}

function status(deps: TopologyRouteDeps, { request }: ExtensionCall) {
  new QueryParameters(request, []);
  const nowSeconds = Math.floor(deps.now() / 1000);
  const statuses = deps.graph.statuses();
  const { named, counts } = deps.issues();
  return {
    resources: countGraph(deps.graph.histories(), nowSeconds),
    sources: statuses.map(sourceMember),
    warnings: statuses.flatMap((source) => warningsOf(source, nowSeconds)),
    issues: {
      counts: Object.fromEntries(counts),
      named: named.map((issue) => ({ ...issue, resolution: RESOLUTIONS[issue.kind] })),
    },
  };
}

async function scopeTopology(deps: TopologyRouteDeps, call: ExtensionCall) {
  new QueryParameters(call.request, []);
  const scope = await deps.scopes.get(call.principal, labelOf(call, 'scopeId'));
  const nowSeconds = Math.floor(deps.now() / 1000);
  const slices = new Set(scope.targets.map(({ account, region }) => `${account}/${region}`));
  const sources = deps.graph.statuses().filter(({ slice }) => slices.has(slice));
  return {
    scopeId: scope.scopeId,
    status: scope.status,
    reason: scope.reason,
    targets: scope.targets,
    sources: sources.map(sourceMember),
    warnings: sources.flatMap((source) => warningsOf(source, nowSeconds)),
  };
}

/**
 * The warnings of a source. The topology keeps using a failing source's last resources, however
 * old, so the warning gives their age.
 */
function warningsOf(source: SourceStatus, nowSeconds: number): string[] {
  const { error, lastSuccessSeconds } = source;
  const name = `${source.source} ${source.slice}`;
  const warnings = source.warnings.map((warning) => `${name}: ${warning}`);
  const isStale = nowSeconds - (lastSuccessSeconds ?? nowSeconds) > staleSeconds(source);
  if (error === undefined && !isStale) return warnings;
  const used =
    lastSuccessSeconds === undefined
      ? 'it has never been read'
      : `its resources of ${nowSeconds - lastSuccessSeconds} s ago are still used`;
  const problem = error === undefined ? 'is not read any more' : `cannot be read: ${error}`;
  return [`${name} ${problem}; ${used}`, ...warnings];
}

function staleSeconds({ source, slice }: SourceStatus): number {
  return source === 'aws' && slice.includes('/') ? STALE_TARGET_SECONDS : STALE_SECONDS[source];
}

function sourceMember(source: SourceStatus) {
  const { lastSuccessSeconds, failingSinceSeconds, ...members } = source;
  return {
    ...members,
    lastSuccessAt: isoTime(lastSuccessSeconds),
    failingSince: isoTime(failingSinceSeconds),
  };
}

function lookup(deps: TopologyRouteDeps, { request }: ExtensionCall) {
  const parameters = new QueryParameters(request, ['address', 'network', 'account', 'at']);
  const address = required('address', parameters.address('address'));
  const isWanted = networkFilter(parameters);
  const timeSeconds = timeOf(deps, parameters);
  const found = deps.view().everywhere(address, timeSeconds).filter(isWanted);
  return { address, at: isoTime(timeSeconds), found: found.map(foundMember) };
}

/** Two accounts may have networks of one id, so `account` selects one. */
function networkFilter(parameters: QueryParameters): (found: FoundAddress) => boolean {
  const network = parameters.text('network');
  const account = parameters.text('account');
  return (found) =>
    (network === undefined || found.network === network) &&
    (account === undefined || found.account === account);
}

function path(deps: TopologyRouteDeps, { request }: ExtensionCall) {
  const parameters = new QueryParameters(request, ['from', 'to', 'network', 'account', 'at']);
  const from = required('from', parameters.address('from'));
  const to = required('to', parameters.address('to'));
  const isWanted = networkFilter(parameters);
  const timeSeconds = timeOf(deps, parameters);
  const view = deps.view();
  const start = onlyNetwork(from, view.everywhere(from, timeSeconds).filter(isWanted));
  const near: PathEnd = { ...start, vpcId: start.network, address: from };
  const { vpcId, subnetId } = near;
  const located = view.locate(to, { owner: start, vpcId, subnetId, timeSeconds });
  const far: PathEnd = { ...NOWHERE, ...located, address: to };
  const isKnown = far.vpcId !== '';
  return {
    at: isoTime(timeSeconds),
    from: foundMember(start),
    to: located === undefined ? {} : foundMember({ ...located, network: '', interfaceId: '' }),
    there: view.pathOf(near, far, timeSeconds),
    // The path back follows the routes of the far end, so it needs that end's network.
    back: isKnown ? view.pathOf(far, near, timeSeconds) : undefined,
  };
}

const NOWHERE = { account: '', region: '', vpcId: '', subnetId: '', az: '', instanceId: '' };

function onlyNetwork(address: string, found: readonly FoundAddress[]): FoundAddress {
  const inNetworks = found.filter((one) => one.network !== '');
  const [first, ...others] = inNetworks;
  if (first === undefined) throw invalid(`from: no known network has the address ${address}`);
  if (others.length === 0) return first;
  const named = inNetworks.slice(0, MAX_NAMED_NETWORKS);
  const isOneId = inNetworks.every(({ network }) => network === first.network);
  const names = named.map(({ network, account }) => {
    return isOneId ? `${network} of account ${account}` : network;
  });
  throw invalid(
    `${isOneId ? 'account' : 'network'} is required: ${address} is in ${inNetworks.length} networks: ${names.join(', ')}`,
  );
}

function show(deps: TopologyRouteDeps, { request }: ExtensionCall) {
  const parameters = new QueryParameters(request, ['kind', 'id', 'limit', 'at']);
  const timeSeconds = timeOf(deps, parameters);
  const { resources, count } = showGraph(deps.graph.histories(), timeSeconds, filterOf(parameters));
  return {
    at: isoTime(timeSeconds),
    count,
    resources: resources.map(({ resource, fromSeconds, saidBy }) => ({
      ...resource,
      since: isoTime(fromSeconds),
      saidBy,
    })),
  };
}

function diff(deps: TopologyRouteDeps, { request }: ExtensionCall) {
  const parameters = new QueryParameters(request, ['from', 'to', 'kind', 'id', 'limit']);
  const fromSeconds = required('from', parameters.time('from'));
  const toSeconds = parameters.time('to') ?? Math.floor(deps.now() / 1000);
  const times = { fromSeconds, toSeconds };
  return diffGraph(deps.graph.histories(), times, filterOf(parameters));
}

function filterOf(parameters: QueryParameters) {
  return {
    kind: parameters.choice('kind', RESOURCE_KINDS),
    id: parameters.text('id'),
    limit: parameters.integer('limit', [1, MAX_SHOWN]) ?? DEFAULT_SHOWN,
  };
}

function timeOf({ now }: TopologyRouteDeps, parameters: QueryParameters): number {
  return parameters.time('at') ?? Math.floor(now() / 1000);
}

/** Omits members without a value. */
function foundMember({ network, interfaceId, ...located }: FoundAddress) {
  const { account, region, subnetId, az, instanceId, service, vpcId } = located;
  const members = {
    network: network || vpcId,
    account,
    region,
    subnetId,
    az,
    instanceId,
    interfaceId,
    service,
    beyond: located.beyond,
    gatewayArn: located.gatewayArn,
  };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value));
}

function isoTime(seconds: number | undefined): string | undefined {
  return seconds === undefined ? undefined : new Date(seconds * 1000).toISOString();
}
