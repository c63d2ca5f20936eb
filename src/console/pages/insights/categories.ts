import { DESTINATION_CATEGORIES, type DestinationCategory } from '../../../model/category.ts';

interface CategoryText {
  readonly label: string;
  readonly description: string;
}

/** Label and description of each category. */
export const CATEGORY_TEXT: Readonly<Record<DestinationCategory, CategoryText>> = {
  INTER_VPC: text('Between VPCs', 'Flows between VPCs'),
  INTRA_AZ: text('Within an AZ', 'Flows within an Availability Zone, within the same VPC'),
  INTER_AZ: text('Between AZs', 'Flows between Availability Zones, within the same VPC'),
  INTER_REGION: text('Between Regions', 'Flows to the edge of another Region'),
  AMAZON_S3: text('S3', 'Flows to and from Amazon S3'),
  AMAZON_DYNAMODB: text('DynamoDB', 'Flows to and from Amazon DynamoDB'),
  INTERNET: text('Internet', 'Flows that end on the public internet'),
  TRANSIT_GATEWAY: text(
    'Transit Gateway',
    'Flows through a transit gateway to an unknown remote end',
  ),
  LOCAL_ZONE: text('Local Zone', 'Flows that start or end in a local zone'),
  AWS_SERVICE: text('AWS Service', 'Flows that end at another AWS service'),
  UNCLASSIFIED: text('Unclassified', 'All other flows'),
};

function text(label: string, description: string): CategoryText {
  return { label, description };
}

/** A choice of the flow type select: one category or all of them. */
export type FlowType = 'ALL' | DestinationCategory;

/** The category of a flow type; undefined for all categories. */
export function categoryOf(flowType: FlowType): DestinationCategory | undefined {
  return flowType === 'ALL' ? undefined : flowType;
}

/** The flow type with that name, or undefined. */
export function parseFlowType(name: string): FlowType | undefined {
  return name === 'ALL' ? 'ALL' : DESTINATION_CATEGORIES.find((category) => category === name);
}
