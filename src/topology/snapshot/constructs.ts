import { ec2Arn, partitionOf } from '../../model/arn.ts';
import type { Owner } from '../../model/owner.ts';
import type { TraversedConstruct } from '../../model/topology.ts';

/** CloudFormation's types of the EC2 resources that traffic passes, by their names in ARNs. */
const COMPONENT_TYPES = {
  instance: 'AWS::EC2::Instance',
  'network-interface': 'AWS::EC2::NetworkInterface',
  'vpc-peering-connection': 'AWS::EC2::VPCPeeringConnection',
  'transit-gateway': 'AWS::EC2::TransitGateway',
  'transit-gateway-attachment': 'AWS::EC2::TransitGatewayAttachment',
  natgateway: 'AWS::EC2::NatGateway',
  'internet-gateway': 'AWS::EC2::InternetGateway',
  'egress-only-internet-gateway': 'AWS::EC2::EgressOnlyInternetGateway',
  'vpc-endpoint': 'AWS::EC2::VPCEndpoint',
} as const;

export function ec2Construct(
  owner: Owner,
  resource: keyof typeof COMPONENT_TYPES,
  id: string,
): TraversedConstruct {
  return {
    componentId: id,
    componentType: COMPONENT_TYPES[resource],
    componentArn: ec2Arn(owner, resource, id),
  };
}

/** A peering is an attachment of both transit gateways, with a CloudFormation type of its own. */
export function transitPeeringConstruct(owner: Owner, id: string): TraversedConstruct {
  return {
    ...ec2Construct(owner, 'transit-gateway-attachment', id),
    componentType: 'AWS::EC2::TransitGatewayPeeringAttachment',
  };
}

export function internetGatewayConstruct(owner: Owner, id: string): TraversedConstruct {
  const isEgressOnly = id.startsWith('eigw-');
  return ec2Construct(
    owner,
    isEgressOnly ? 'egress-only-internet-gateway' : 'internet-gateway',
    id,
  );
}

export function loadBalancerConstruct({ account, region }: Owner, id: string): TraversedConstruct {
  return {
    componentId: id,
    componentType: 'AWS::ElasticLoadBalancingV2::LoadBalancer',
    componentArn: `arn:${partitionOf(region)}:elasticloadbalancing:${region}:${account}:loadbalancer/${id}`,
  };
}
