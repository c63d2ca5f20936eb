/** The columns of a table of top contributors, left to right. */
export const COLUMN_IDS = [
  'localSubnetId',
  'localAz',
  'localVpcId',
  'localRegion',
  'accountId',
  'remoteResource',
  'category',
  'value',
] as const;

export type ColumnId = (typeof COLUMN_IDS)[number];
