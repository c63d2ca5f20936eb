import { expect, test } from 'vitest';
import { CompiledPolicy } from '../auth/compiled-policy.ts';
import { parsePolicy } from '../auth/policy-document.ts';
import type { AuditEvent } from '../model/audit-event.ts';
import { groupHeaders } from '../model/http.ts';
import type { Principal } from '../model/owner.ts';
import { createApi } from './create-api.ts';
import { jsonAnswer } from './json-answer.ts';
import { admin, memoryApi, rawRequest } from './testing.ts';
import type { ExtensionRoute } from './v1/extension-route.ts';

const things: ExtensionRoute = {
  method: 'POST',
  path: '/api/v1/things/{id}',
  action: 'nfm:CreateThing',
  answer: async () => jsonAnswer({ secret: 'in the answer only' }),
};

/** Sends one request and returns its audit events. */
async function recorded(line: string, body?: unknown, principal: Principal = admin) {
  const events: AuditEvent[] = [];
  const api = createApi(
    memoryApi({ extensionRoutes: [things], record: (event) => events.push(event) }).deps,
  );
  const [method = '', path = ''] = line.split(' ');
  const request = rawRequest(method, path, body);
  const headers = new Map([...request.headers, ...groupHeaders(['User-Agent', 'aws-cli/2'])]);
  await api({ ...request, headers, remoteAddress: '::ffff:192.0.2.7' }, principal);
  return events;
}

const scopeArn = 'arn:aws:networkflowmonitor:us-east-1:123456789012:scope/s-1';
const target = {
  targetIdentifier: { targetId: { accountId: '123456789012' }, targetType: 'ACCOUNT' },
  region: 'us-east-1',
};

test('an event has the members of a CloudTrail record', async () => {
  const tags = { owner: 'net' };
  const [event] = await recorded('POST /scopes', { targets: [target], clientToken: 't', tags });
  expect(event).toEqual({
    eventVersion: '1.11',
    eventID: '00000000-0000-4000-8000-000000000002',
    eventTime: '2025-11-01T12:00:00Z',
    eventSource: 'networkflowmonitor.amazonaws.com',
    eventName: 'CreateScope',
    eventType: 'AwsApiCall',
    eventCategory: 'Management',
    managementEvent: true,
    readOnly: false,
    awsRegion: 'us-east-1',
    sourceIPAddress: '192.0.2.7',
    userAgent: 'aws-cli/2',
    userIdentity: {
      type: 'AccessKey',
      arn: 'arn:aws:iam::123456789012:access-key/AKIDADMIN',
      accountId: '123456789012',
      accessKeyId: 'AKIDADMIN',
    },
    recipientAccountId: '123456789012',
    requestParameters: {
      Targets: [
        {
          TargetIdentifier: { TargetId: { AccountId: '123456789012' }, TargetType: 'ACCOUNT' },
          Region: 'us-east-1',
        },
      ],
      ClientToken: 't',
      Tags: tags,
    },
    requestID: '00000000-0000-4000-8000-000000000001',
  });
});

const readers = new CompiledPolicy(
  parsePolicy({ Statement: { Effect: 'Allow', Action: 'nfm:*', Resource: '*' } }),
);
const outcomes = [
  {
    name: 'a query is a data event on its scope and a read',
    line: 'POST /workloadInsights/s-1/topContributorsQueries',
    body: {
      startTime: '2025-11-01T12:00:00Z',
      endTime: '2025-11-01T12:15:00Z',
      metricName: 'DATA_TRANSFERRED',
      destinationCategory: 'INTER_AZ',
    },
    event: {
      eventCategory: 'Data',
      managementEvent: false,
      readOnly: true,
      requestParameters: { ScopeId: 's-1', StartTime: '2025-11-01T12:00:00.000Z' },
      resources: [
        { accountId: '123456789012', type: 'AWS::NetworkFlowMonitor::Scope', ARN: scopeArn },
      ],
    },
  },
  {
    name: 'a resource that does not exist is recorded with the error',
    line: 'GET /scopes/s-1',
    event: { errorCode: 'ResourceNotFoundException', requestParameters: { ScopeId: 's-1' } },
  },
  {
    name: 'a denied call is recorded as AccessDenied without parameters',
    line: 'GET /scopes/s-1',
    principal: { ...admin, kind: 'custom', permissions: readers } as const,
    event: {
      errorCode: 'AccessDenied',
      errorMessage: expect.stringContaining('networkflowmonitor:GetScope'),
      requestParameters: null,
      resources: [{ ARN: scopeArn }],
    },
  },
  {
    name: 'invalid input is recorded without parameters',
    line: 'POST /scopes',
    body: { targets: [], secret: 'x' },
    event: { errorCode: 'ValidationException', requestParameters: null },
  },
  {
    name: 'the extension API has its own event source, and its answers are not recorded',
    line: 'POST /api/v1/things/a%2Fb?x=1',
    body: { kind: 'agent' },
    event: {
      eventSource: 'nfm',
      eventName: 'CreateThing',
      requestParameters: { Id: 'a/b', Kind: 'agent', X: '1' },
    },
  },
  {
    name: 'a body nested 5,000 deep is rejected before anything changes, and recorded',
    line: 'POST /api/v1/things/a',
    body: `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`,
    event: { errorCode: 'SerializationException', requestParameters: null },
  },
  {
    name: 'parameters larger than 8 kB are omitted',
    line: 'POST /api/v1/things/a',
    body: { text: 'x'.repeat(9_000) },
    event: { eventName: 'CreateThing', requestParameters: null },
  },
];
test.each(outcomes)('$name', async ({ line, body, principal, event }) => {
  const events = await recorded(line, body, principal);
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject(event);
  expect(JSON.stringify(events)).not.toContain('secret');
});

test('a request that names no operation is not recorded', async () => {
  expect(await recorded('GET /nothing')).toEqual([]);
});
