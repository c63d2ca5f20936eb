import type { DestinationCategory } from '../model/category.ts';
import { LOOPBACK_IDENTIFIER } from '../model/enriched-flow.ts';
import type { Monitor, MonitorLocalResource, MonitorRemoteResource } from '../model/monitor.ts';
import type { Owner } from '../model/owner.ts';
import type { ScopeTarget } from '../model/scope.ts';
import { joinSql, name, param, type SqlFragment, sql } from './sql.ts';

/** Selects rows by time, category and loopback. The owner is filtered separately. */
export interface FlowSelection {
  /** Half-open range of whole seconds since 1970. */
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** All categories when absent. */
  readonly category?: DestinationCategory | undefined;
  /** `false` leaves out the flows of a host with itself. */
  readonly loopback?: boolean | undefined;
}

/** The condition for the rows of a selection. */
export function selectionFilter(selection: FlowSelection): SqlFragment {
  const { startSeconds, endSeconds, category, loopback = true } = selection;
  const conditions = [
    sql`time >= toDateTime(${param('UInt32', clampTime(startSeconds))}, 'UTC')`,
    sql`time < toDateTime(${param('UInt32', clampTime(endSeconds))}, 'UTC')`,
  ];
  if (category !== undefined) conditions.push(sql`category = ${param('String', category)}`);
  if (!loopback) {
    conditions.push(sql`remote_identifier != ${param('String', LOOPBACK_IDENTIFIER)}`);
  }
  return joinSql(conditions, ' AND ');
}

/** The condition for the rows of an account and Region. */
export function ownerFilter({ account, region }: Owner): SqlFragment {
  return sql`account = ${param('String', account)} AND region = ${param('String', region)}`;
}

/** Clamps to the range of DateTime, 1970 to 2106; no row lies outside. */
export function clampTime(seconds: number): number {
  return Math.min(Math.max(0, seconds), 2 ** 32 - 1);
}

/** The condition for the rows of any target of a scope. */
export function targetsFilter(targets: readonly ScopeTarget[]): SqlFragment {
  const pairs = targets.map((target) => sql`(${ownerFilter(target)})`);
  return sql`(${joinSql(pairs, ' OR ')})`;
}

/**
 * The condition for the rows of a monitor: any local AND any remote resource matches. Without
 * remote resources every destination matches.
 */
export function monitorFilter(monitor: Monitor, owner: Owner): SqlFragment {
  const local = monitor.localResources.map((resource) => matchLocal(resource));
  const remote = monitor.remoteResources.map((resource) => matchRemote(resource, owner));
  const anyLocal = sql`(${joinSql(local, ' OR ')})`;
  return remote.length === 0 ? anyLocal : sql`${anyLocal} AND (${joinSql(remote, ' OR ')})`;
}

function matchLocal({ type, identifier }: MonitorLocalResource): SqlFragment {
  switch (type) {
    case 'AWS::EC2::VPC':
      return equals('local_vpc', bareId(identifier));
    case 'AWS::EC2::Subnet':
      return equals('local_subnet', bareId(identifier));
    case 'AWS::AvailabilityZone':
      return equals('local_az', identifier);
    case 'AWS::Region':
      return equals('region', identifier);
    case 'AWS::EKS::Cluster':
      return equals('local_cluster', bareId(identifier));
    default:
      throw unreachable(type);
  }
}

function matchRemote({ type, identifier }: MonitorRemoteResource, owner: Owner): SqlFragment {
  switch (type) {
    case 'AWS::EC2::VPC':
      return equals('remote_vpc', bareId(identifier));
    case 'AWS::EC2::Subnet':
      return equals('remote_subnet', bareId(identifier));
    case 'AWS::AvailabilityZone':
      return equals('remote_az', identifier);
    case 'AWS::AWSService':
      return equals('remote_identifier', identifier);
    case 'AWS::Region':
      // Flows with an unknown remote Region have the local Region as their remote identifier, so
      // they match the local Region.
      return identifier === owner.region
        ? sql`(remote_region = ${param('String', identifier)} OR (remote_region = '' AND remote_identifier = ${param('String', identifier)}))`
        : sql`(remote_region = ${param('String', identifier)} OR remote_identifier = ${param('String', identifier)})`;
    default:
      throw unreachable(type);
  }
}

function equals(column: string, value: string): SqlFragment {
  return sql`${name(column)} = ${param('String', value)}`;
}

/** Returns the id after the last slash of an ARN (`…:vpc/vpc-0a1b…`), or a bare id unchanged. */
function bareId(identifier: string): string {
  return identifier.slice(identifier.lastIndexOf('/') + 1);
}

function unreachable(value: never): Error {
  return new Error(`no filter for ${String(value)}`);
}
