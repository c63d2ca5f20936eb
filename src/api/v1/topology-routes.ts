import { scopeArn } from '../../model/arn.ts';
import type { PathEnd } from '../../model/topology.ts';
import { RESOURCE_KINDS } from '../../topology/graph/resource.ts';
import type { ResourceGraph } from '../../topology/graph/resource-graph.ts';
import { countGraph, diffGraph, showGraph } from '../../topology/graph/show-graph.ts';
import type { SourceStatus } from '../../topology/graph/source-statement.ts';
import { type Issues, RESOLUTIONS } from '../../topology/snapshot/find-issues.ts';
import type { FoundAddress, TopologyView } from '../../topology/topology-view.ts';
import type { ScopeService } from '../deps.ts';
import { type Administration, mustManage } from './administration.ts';
import { type ExtensionCall, type ExtensionRoute, jsonAnswer } from './extension-route.ts';
import { invalid, QueryParameters } from './query-parameters.ts';

export interface TopologyRouteDeps {
  readonly graph: Pick<ResourceGraph, 'statuses' | 'histories'>;
  readonly view: () => Pick<TopologyView, 'everywhere' | 'locate' | 'pathOf'>;
  readonly issues: () => Issues;
  readonly scopes: Pick<ScopeService, 'get'>;
  readonly administration: Administration;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const PATH = '/api/v1/topology';
const MAX_SHOWN = 1_000;
const DEFAULT_SHOWN = 100;

/**
 * `/api/v1/topology/…`: how the network is laid out and who says so. Of the whole installation, and
 * so for the management account; of a scope, how what is read of its targets does.
 */
export function topologyRoutes(deps: TopologyRouteDeps): readonly ExtensionRoute[] {
  const ask = (name: string, action: ExtensionRoute['action'], answer: Ask): ExtensionRoute => ({
    method: 'GET',
    path: `${PATH}/${name}`,
    action,
    answer: async (call) => {
      await mustManage(deps.administration, call.principal, 'the topology');
      return jsonAnswer(answer(deps, call));
    },
  });
  return [
    ask('status', 'nfm:GetTopologyStatus', status),
    ask('lookup', 'nfm:GetTopologyAddress', lookup),
    ask('path', 'nfm:GetTopologyPath', path),
    ask('show', 'nfm:GetTopologyResources', show),
    ask('diff', 'nfm:GetTopologyChanges', diff),
    {
      method: 'GET',
      path: '/api/v1/scopes/{scopeId}/topology',
      action: 'nfm:GetScopeTopology',
      resource: ({ principal, labels }) => scopeArn(principal, labels.scopeId ?? ''),
      answer: async (call) => jsonAnswer(await scopeTopology(deps, call)),
    },
  ];
}

type Ask = (deps: TopologyRouteDeps, call: ExtensionCall) => object;

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

async function scopeTopology(
  deps: TopologyRouteDeps,
  { request, principal, labels }: ExtensionCall,
) {
  new QueryParameters(request, []);
  const scope = await deps.scopes.get(principal, labels.scopeId ?? '');
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

/** What it says last goes on counting, however old: that must be seen. */
function warningsOf(source: SourceStatus, nowSeconds: number): string[] {
  const { error, lastSuccessSeconds } = source;
  const name = `${source.source} ${source.slice}`;
  const warnings = source.warnings.map((warning) => `${name}: ${warning}`);
  if (error === undefined) return warnings;
  const known =
    lastSuccessSeconds === undefined
      ? 'nothing is known from it'
      : `what it said ${nowSeconds - lastSuccessSeconds} s ago still counts`;
  return [`${name} cannot be read: ${error}; ${known}`, ...warnings];
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
  const parameters = new QueryParameters(request, ['address', 'network', 'at']);
  const address = required(parameters.address('address'), 'address: is required');
  const network = parameters.text('network');
  const timeSeconds = timeOf(deps, parameters);
  const found = deps.view().everywhere(address, timeSeconds);
  const asked = network === undefined ? found : found.filter((one) => one.network === network);
  return { address, at: isoTime(timeSeconds), found: asked.map(foundMember) };
}

function path(deps: TopologyRouteDeps, { request }: ExtensionCall) {
  const parameters = new QueryParameters(request, ['from', 'to', 'network', 'at']);
  const from = required(parameters.address('from'), 'from: is required');
  const to = required(parameters.address('to'), 'to: is required');
  const network = parameters.text('network');
  const timeSeconds = timeOf(deps, parameters);
  const view = deps.view();
  const start = onlyOne(
    from,
    view
      .everywhere(from, timeSeconds)
      .filter((one) => network === undefined || one.network === network),
  );
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
    // The way back is the other end's routes to say.
    back: isKnown ? view.pathOf(far, near, timeSeconds) : undefined,
  };
}

const NOWHERE = { account: '', region: '', vpcId: '', subnetId: '', az: '', instanceId: '' };

function onlyOne(address: string, found: readonly FoundAddress[]): FoundAddress {
  const inNetworks = found.filter((one) => one.network !== '');
  const [first, ...others] = inNetworks;
  if (first === undefined) throw invalid(`from: no network is known to have ${address}`);
  if (others.length === 0) return first;
  const names = inNetworks.slice(0, 20).map((one) => one.network);
  throw invalid(
    `network: ${address} is in ${inNetworks.length} networks; name one: ${names.join(', ')}`,
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
  const fromSeconds = required(parameters.time('from'), 'from: is required, an ISO 8601 time');
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

/** What is not known is left out. */
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

function required<Value>(value: Value | undefined, message: string): Value {
  if (value === undefined) throw invalid(message);
  return value;
}

function isoTime(seconds: number | undefined): string | undefined {
  return seconds === undefined ? undefined : new Date(seconds * 1000).toISOString();
}
