import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { RawRequest } from '../model/http.ts';
import { createApi } from './create-api.ts';
import { admin, httpText, memoryApi, rawRequest } from './testing.ts';

const folder = join(import.meta.dirname, '../../test/golden/api');

const scopeId = '97626f8d-8a21-4b5d-813a-000000000001';
const queryId = (n: number) => `aecd3a88-8a21-4b5d-813a-${String(n).padStart(12, '0')}`;
const insights = `/workloadInsights/${scopeId}/topContributorsQueries`;
const series = `/workloadInsights/${scopeId}/topContributorsDataQueries`;
const flows = '/monitors/demo/topContributorsQueries';
const range = { startTime: '2025-11-01T12:00:00Z', endTime: '2025-11-01T12:15:00Z' };
const what = { metricName: 'DATA_TRANSFERRED', destinationCategory: 'UNCLASSIFIED' };
const scope = {
  targets: [
    {
      targetIdentifier: { targetId: { accountId: '123456789012' }, targetType: 'ACCOUNT' },
      region: 'us-east-1',
    },
  ],
  clientToken: '2f2d7e6e-6b6c-4c0a-9d5e-0d6f5f4c3b2a',
  tags: { stack: 'Production' },
};
const monitor = {
  monitorName: 'demo',
  localResources: [
    { type: 'AWS::EC2::VPC', identifier: 'arn:aws:ec2:us-east-1:123456789012:vpc/vpc-03ea55ee' },
  ],
  scopeArn: `arn:aws:networkflowmonitor:us-east-1:123456789012:scope/${scopeId}`,
};

const scopeChange = {
  resourcesToAdd: [{ ...scope.targets[0], region: 'eu-west-1' }],
  resourcesToDelete: scope.targets,
};
const monitorChange = {
  localResourcesToAdd: [{ type: 'AWS::AvailabilityZone', identifier: 'use1-az1' }],
  localResourcesToRemove: monitor.localResources,
  remoteResourcesToAdd: [{ type: 'AWS::AWSService', identifier: 'S3' }],
  clientToken: '7d3a1c52-0b7e-4d0e-8a53-2f6f5e4d3c2b',
};
const scopeArn = encodeURIComponent(monitor.scopeArn);
const monitorArn = encodeURIComponent(
  'arn:aws:networkflowmonitor:us-east-1:123456789012:monitor/demo',
);
const elsewhere = encodeURIComponent('arn:aws:s3:::bucket-of-somebody');
const otherAccount = encodeURIComponent(
  'arn:aws:networkflowmonitor:us-east-1:210987654321:monitor/demo',
);

/** The steps of one story. Each step depends on the ones before it. */
const story: readonly (readonly [name: string, request: RawRequest])[] = [
  ['create-scope', rawRequest('POST', '/scopes', scope)],
  ['create-scope-conflict', rawRequest('POST', '/scopes', scope)],
  ['create-scope-invalid', rawRequest('POST', '/scopes', { targets: [{ region: 'us-east-1' }] })],
  ['get-scope', rawRequest('GET', `/scopes/${scopeId}`)],
  ['get-scope-not-found', rawRequest('GET', '/scopes/none')],
  ['list-scopes', rawRequest('GET', '/scopes?maxResults=1')],
  ['update-scope', rawRequest('PATCH', `/scopes/${scopeId}`, scopeChange)],
  ['update-scope-not-found', rawRequest('PATCH', '/scopes/none', scopeChange)],
  ['update-scope-invalid', rawRequest('PATCH', `/scopes/${scopeId}`, { resourcesToAdd: [] })],
  ['create-monitor', rawRequest('POST', '/monitors', monitor)],
  ['create-second-monitor', rawRequest('POST', '/monitors', { ...monitor, monitorName: 'b' })],
  ['get-monitor', rawRequest('GET', '/monitors/demo')],
  ['list-monitors', rawRequest('GET', '/monitors?maxResults=1&monitorStatus=ACTIVE')],
  ['update-monitor', rawRequest('PATCH', '/monitors/demo', monitorChange)],
  ['update-monitor-not-found', rawRequest('PATCH', '/monitors/none', monitorChange)],
  ['tag-scope', rawRequest('POST', `/tags/${scopeArn}`, { tags: { 'cost centre': '7/ü' } })],
  ['tag-monitor', rawRequest('POST', `/tags/${monitorArn}`, { tags: { a: '1', b: '' } })],
  ['list-tags-scope', rawRequest('GET', `/tags/${scopeArn}`)],
  ['list-tags-monitor', rawRequest('GET', `/tags/${monitorArn}`)],
  ['untag-scope', rawRequest('DELETE', `/tags/${scopeArn}?tagKeys=stack&tagKeys=cost%20centre`)],
  ['list-tags-none', rawRequest('GET', `/tags/${scopeArn}`)],
  ['list-tags-not-found', rawRequest('GET', `/tags/${monitorArn}none`)],
  ['list-tags-invalid', rawRequest('GET', `/tags/${elsewhere}`)],
  ['list-tags-denied', rawRequest('GET', `/tags/${otherAccount}`)],
  ['untag-invalid', rawRequest('DELETE', `/tags/${scopeArn}`)],
  ['delete-monitor', rawRequest('DELETE', '/monitors/b')],
  ['start-query-monitor', rawRequest('POST', flows, { ...range, ...what, limit: 5 })],
  ['get-query-status-monitor', rawRequest('GET', `${flows}/${queryId(1)}/status`)],
  ['get-query-results-monitor', rawRequest('GET', `${flows}/${queryId(1)}/results`)],
  ['stop-query-monitor', rawRequest('DELETE', `${flows}/${queryId(1)}`)],
  ['start-query-insights', rawRequest('POST', insights, { ...range, ...what })],
  ['get-query-status-insights', rawRequest('GET', `${insights}/${queryId(2)}/status`)],
  ['get-query-results-insights', rawRequest('GET', `${insights}/${queryId(2)}/results`)],
  ['stop-query-insights', rawRequest('DELETE', `${insights}/${queryId(2)}`)],
  ['start-query-series', rawRequest('POST', series, { ...range, ...what })],
  ['get-query-status-series', rawRequest('GET', `${series}/${queryId(3)}/status`)],
  ['get-query-results-series', rawRequest('GET', `${series}/${queryId(3)}/results`)],
  ['stop-query-series', rawRequest('DELETE', `${series}/${queryId(3)}`)],
  ['delete-scope', rawRequest('DELETE', `/scopes/${scopeId}`)],
  ['unknown-operation', rawRequest('GET', '/scope')],
];

function setAnswers({ answers }: ReturnType<typeof memoryApi>): void {
  answers.set('MonitorTopContributors', {
    kind: 'MonitorTopContributors',
    unit: 'Bytes',
    rows: [
      {
        localIp: '10.0.1.7',
        localInstanceId: 'i-0f4f5d21a6a8a3c11',
        localSubnetId: 'subnet-0a5b30fb95dca2c14',
        localAz: 'use1-az6',
        localVpcId: 'vpc-03ea55eeda25adbb0',
        localRegion: 'us-east-1',
        remoteIp: '2001:db8::1',
        targetPort: 443,
        destinationCategory: 'UNCLASSIFIED',
        value: 2n ** 63n - 1n,
        kubernetesMetadata: { localPodName: 'web-0', localPodNamespace: 'default' },
      },
    ],
  });
  answers.set('WorkloadInsightsTopContributors', {
    kind: 'WorkloadInsightsTopContributors',
    rows: [
      {
        accountId: '123456789012',
        localSubnetId: 'subnet-0a5b30fb95dca2c14',
        localAz: 'use1-az6',
        localVpcId: 'vpc-03ea55eeda25adbb0',
        localRegion: 'us-east-1',
        remoteIdentifier: '',
        value: 908_443n,
      },
    ],
  });
  answers.set('WorkloadInsightsTopContributorsData', {
    kind: 'WorkloadInsightsTopContributorsData',
    unit: 'Bytes',
    rows: [
      {
        label: 'use1-az6',
        timestampsMillis: [1_761_998_400_000, 1_761_998_700_000],
        values: [259_943, 194_856.5],
      },
    ],
  });
}

test('the story of a scope, a monitor and three queries is byte for byte that of the golden files', async () => {
  const memory = memoryApi();
  setAnswers(memory);
  const api = createApi(memory.deps);
  for (const [name, request] of story) {
    const exchange = httpText(request, await api(request, admin));
    await expect(exchange).toMatchFileSnapshot(join(folder, `${name}.http`));
  }
});
