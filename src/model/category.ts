/**
 * Where a flow goes. The network health indicator counts only the first six.
 * The order is the one the AWS console shows.
 */
export const DESTINATION_CATEGORIES = [
  'INTER_VPC',
  'INTRA_AZ',
  'INTER_AZ',
  'INTER_REGION',
  'AMAZON_S3',
  'AMAZON_DYNAMODB',
  'INTERNET',
  'TRANSIT_GATEWAY',
  'LOCAL_ZONE',
  'AWS_SERVICE',
  'UNCLASSIFIED',
] as const;

export type DestinationCategory = (typeof DESTINATION_CATEGORIES)[number];
