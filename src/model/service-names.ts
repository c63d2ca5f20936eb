/** The names of the two services that have their own categories, in paths and remote identifiers. */
export const AMAZON_S3 = 'Amazon S3';
export const AMAZON_DYNAMODB = 'Amazon DynamoDB';
