import { AMAZON_DYNAMODB, AMAZON_S3 } from '../../model/service-names.ts';

/** Names of services, by the last part of their endpoint name or by their published name. */
const NAMES: Readonly<Record<string, string>> = {
  s3: AMAZON_S3,
  's3-global.accesspoint': AMAZON_S3,
  dynamodb: AMAZON_DYNAMODB,
  api_gateway: 'Amazon API Gateway',
  'execute-api': 'Amazon API Gateway',
  cloudfront: 'Amazon CloudFront',
  cloudfront_origin_facing: 'Amazon CloudFront',
  globalaccelerator: 'AWS Global Accelerator',
  route53: 'Amazon Route 53',
  logs: 'Amazon CloudWatch Logs',
  monitoring: 'Amazon CloudWatch',
  ec2: 'Amazon EC2',
  ec2messages: 'Amazon EC2 Messages',
  'ecr.api': 'Amazon ECR',
  'ecr.dkr': 'Amazon ECR',
  kinesis: 'Amazon Kinesis',
  kms: 'AWS KMS',
  lambda: 'AWS Lambda',
  secretsmanager: 'AWS Secrets Manager',
  sns: 'Amazon SNS',
  sqs: 'Amazon SQS',
  ssm: 'AWS Systems Manager',
  ssmmessages: 'AWS Systems Manager',
  sts: 'AWS STS',
};

/**
 * `com.amazonaws.us-east-1.logs` → `Amazon CloudWatch Logs`; an unlisted service → its last part.
 */
export function endpointServiceName(serviceName: string): string {
  const [, last = serviceName] =
    /^(?:com|cn)\.amazonaws\.(?:vpce\.)?[^.]+\.(.+)$/.exec(serviceName) ?? [];
  return NAMES[last] ?? last;
}

/** Published names that stand for no particular service. */
const NO_SERVICE: ReadonlySet<string> = new Set(['AMAZON', 'EC2']);

/** `S3` in ip-ranges.json → `Amazon S3`; "" for prefixes of no particular service. */
export function publishedServiceName(service: string): string {
  if (NO_SERVICE.has(service)) return '';
  return NAMES[service.toLowerCase()] ?? service;
}
