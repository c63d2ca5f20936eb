import { principalArn } from '../auth/authorize.ts';
import { SERVICE } from '../contract/operations.ts';
import { ApiError } from '../model/api-error.ts';
import { parseArn } from '../model/arn.ts';
import type { AuditEvent } from '../model/audit-event.ts';
import { headerValue, type RawRequest } from '../model/http.ts';
import type { Principal } from '../model/owner.ts';
import type { FoundCall, ReadyCall } from './found-call.ts';

export interface AnsweredCall {
  readonly eventId: string;
  readonly requestId: string;
  readonly atMillis: number;
  readonly request: RawRequest;
  readonly principal: Principal;
  readonly found: FoundCall;
  /** Undefined if the input was invalid or the call was throttled. */
  readonly ready?: ReadyCall | undefined;
  /** From `auditParameters`; undefined if the call did not get that far. */
  readonly parameters?: AuditEvent['requestParameters'] | undefined;
  /** The error of a failed call. */
  readonly error?: unknown;
}

const MAX_TEXT = 512;
/** Characters of JSON in one database row; 100 targets with 200 tags exceed this. */
const MAX_PARAMETERS = 8_192;
/** `eventSource` of the extension API. */
const EXTENSION_SOURCE = 'nfm';

/**
 * The audit event of a call, with the members of a CloudTrail record. It contains the parsed
 * parameters of authorized calls only: a rejected request may hold anything, even secrets.
 */
export function auditEvent(call: AnsweredCall): AuditEvent {
  const { request, principal, found, ready } = call;
  const isData = found.isExtension ? found.isQuery : found.name.includes('Query');
  return {
    eventVersion: '1.11',
    eventID: call.eventId,
    eventTime: `${new Date(call.atMillis).toISOString().slice(0, 19)}Z`,
    eventSource: found.isExtension ? EXTENSION_SOURCE : `${SERVICE.endpointPrefix}.amazonaws.com`,
    eventName: found.name,
    eventType: 'AwsApiCall',
    eventCategory: isData ? 'Data' : 'Management',
    managementEvent: !isData,
    readOnly: isReadOnly(found),
    awsRegion: principal.region,
    sourceIPAddress: request.remoteAddress.replace(/^::ffff:/, ''),
    userAgent: (headerValue(request, 'user-agent') ?? '').slice(0, MAX_TEXT),
    userIdentity: {
      type: 'AccessKey',
      arn: principalArn(principal),
      accountId: principal.account,
      accessKeyId: principal.accessKeyId,
    },
    recipientAccountId: principal.account,
    requestParameters: parametersOf(call),
    requestID: call.requestId,
    ...errorOf(call.error),
    resources: resourcesOf(ready),
  };
}

/** Like CloudTrail, counts starting and stopping a query as reads. */
export function isReadOnly({ name }: Pick<FoundCall, 'name'>): boolean {
  return /^(?:Get|List|Lookup|StartQuery|StopQuery)/.test(name);
}

function parametersOf({ parameters, error }: AnsweredCall): AuditEvent['requestParameters'] {
  return parameters === undefined || isDenied(error) ? null : parameters;
}

/**
 * The parameters of a call in the form of its event; null when there are none or too many. Called
 * before the call runs: if its parameters cannot be converted, the call changes nothing.
 */
export function auditParameters(call: ReadyCall): AuditEvent['requestParameters'] {
  const parameters = pascalCase(call.parameters);
  const isEmpty = Object.keys(parameters).length === 0;
  return isEmpty || JSON.stringify(parameters).length > MAX_PARAMETERS ? null : parameters;
}

function isDenied(error: unknown): boolean {
  const names = ['AccessDeniedException', 'ValidationException', 'ThrottlingException'];
  return error instanceof ApiError && names.includes(error.name);
}

function errorOf(error: unknown): Pick<AuditEvent, 'errorCode' | 'errorMessage'> {
  if (error === undefined) return {};
  if (!(error instanceof ApiError)) return { errorCode: 'InternalServerException' };
  return {
    errorCode: error.name === 'AccessDeniedException' ? 'AccessDenied' : error.name,
    errorMessage: error.message.slice(0, MAX_TEXT),
  };
}

function resourcesOf(ready: ReadyCall | undefined): AuditEvent['resources'] {
  const resources = (ready?.intents ?? []).flatMap(({ resource = '' }) => {
    const arn = parseArn(resource.slice(0, 2 * MAX_TEXT));
    const type = TYPES[arn?.resource.split('/')[0] ?? ''];
    if (arn === undefined || type === undefined || arn.resource.endsWith('/*')) return [];
    return [{ accountId: arn.account, type, ARN: resource }];
  });
  return resources.length === 0 ? undefined : resources.slice(0, 1);
}

const TYPES: Readonly<Record<string, string>> = {
  monitor: 'AWS::NetworkFlowMonitor::Monitor',
  scope: 'AWS::NetworkFlowMonitor::Scope',
};

/** Converts member names to CloudTrail's PascalCase; the keys of tags stay as the caller wrote them. */
function pascalCase(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(members).flatMap(([name, value]) =>
    value === undefined
      ? []
      : [[name.charAt(0).toUpperCase() + name.slice(1), name === 'tags' ? value : cased(value)]],
  );
  return Object.fromEntries(entries) as Record<string, unknown>;
}

function cased(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return value.map(cased);
  return typeof value === 'object' && value !== null ? pascalCase({ ...value }) : value;
}
