/** Destination categories that count for the network health indicator. */
export const INDICATOR_CATEGORIES = [
  'INTER_VPC',
  'INTRA_AZ',
  'INTER_AZ',
  'INTER_REGION',
  'AMAZON_S3',
  'AMAZON_DYNAMODB',
] as const;

export const OTHER_CATEGORIES = [
  'INTERNET',
  'TRANSIT_GATEWAY',
  'LOCAL_ZONE',
  'AWS_SERVICE',
  'UNCLASSIFIED',
] as const;

/** The kinds of destination of a flow, in the order of the AWS console. */
export const DESTINATION_CATEGORIES = [...INDICATOR_CATEGORIES, ...OTHER_CATEGORIES] as const;

export type DestinationCategory = (typeof DESTINATION_CATEGORIES)[number];
