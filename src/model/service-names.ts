/** The two services with categories of their own, as paths and remote identifiers name them. */
export const AMAZON_S3 = 'Amazon S3';
export const AMAZON_DYNAMODB = 'Amazon DynamoDB';
