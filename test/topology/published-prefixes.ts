import type { Resource } from '../../src/topology/graph/resource.ts';

/** A few entries of AWS's ip-ranges.json, and some invented ones. */
export const PUBLISHED_PREFIXES: readonly Resource[] = (
  [
    ['S3', 'us-east-1', '52.216.0.0/15'],
    ['AMAZON', 'us-east-1', '52.216.0.0/15'],
    ['S3', 'eu-west-1', '52.218.0.0/17'],
    ['S3', 'us-east-1', '2600:1fa0:8000::/39'],
    ['DYNAMODB', 'us-east-1', '52.94.0.0/22'],
    ['DYNAMODB', 'eu-west-1', '52.94.24.0/23'],
    ['AMAZON', 'us-east-1', '52.94.0.0/16'],
    ['EC2', 'us-east-1', '3.80.0.0/12'],
    ['AMAZON', 'us-east-1', '3.80.0.0/12'],
    ['EC2', 'eu-west-1', '34.240.0.0/13'],
    ['AMAZON', 'eu-west-1', '34.240.0.0/13'],
    ['API_GATEWAY', 'us-east-1', '3.216.148.0/22'],
    ['CLOUDFRONT', 'GLOBAL', '13.32.0.0/15'],
    ['AMAZON', 'GLOBAL', '13.32.0.0/15'],
    ['EC2', 'us-east-1', '15.181.0.0/20', 'us-east-1-bos-1'],
  ] as const
).map(([service, region, prefix, networkBorderGroup = region]) => {
  const id = `${service} ${region} ${prefix}`;
  return { kind: 'service-prefix', id, service, region, prefix, networkBorderGroup };
});
