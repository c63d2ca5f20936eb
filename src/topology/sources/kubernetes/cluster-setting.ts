import { listOf } from '../../../lib/setting.ts';
import { parseArn } from '../../../model/arn.ts';
import type { Owner } from '../../../model/owner.ts';
import { networkId } from '../../derived-ids.ts';
import type { Cluster } from './cluster-resources.ts';

/** A cluster and how to connect to it. */
export interface ClusterSetting {
  readonly cluster: Cluster;
  /** `in-cluster` or the path of a kubeconfig. */
  readonly access: string;
}

/** Why the setting `kubernetes` cannot be used; undefined when it can. */
export function clusterSettingsProblem(text: string, owner: Owner): string | undefined {
  const bad = listOf(text).find((item) => readClusterSetting(item, owner) === undefined);
  if (bad !== undefined) {
    return `kubernetes: expected NAME=in-cluster or NAME=KUBECONFIG, not "${bad}"`;
  }
  const ids = readClusterSettings(text, owner).map(({ cluster }) => cluster.id);
  const twice = ids.find((id, i) => ids.indexOf(id) < i);
  return twice === undefined ? undefined : `kubernetes: cluster ${twice} is listed twice`;
}

/** The clusters of the setting `kubernetes`, which `clusterSettingsProblem` accepts. */
export function readClusterSettings(text: string, owner: Owner): readonly ClusterSetting[] {
  return listOf(text).flatMap((item) => readClusterSetting(item, owner) ?? []);
}

/**
 * Reads `NAME=ACCESS` or `NAME=ACCESS@NETWORK`. NAME is the cluster name that agents on the nodes
 * report, or the ARN of an EKS cluster, which ends in that name. Undefined for other text.
 *
 * @param owner the owner of a cluster without an ARN
 */
export function readClusterSetting(text: string, owner: Owner): ClusterSetting | undefined {
  const [, id = '', access = '', network] = /^([^=]+)=([^@]+)(?:@([^@]+))?$/.exec(text) ?? [];
  if (id === '' || access === '') return undefined;
  const arn = parseArn(id);
  const { account, region } = arn ?? owner;
  const name = arn === undefined ? id : arn.resource.replace(/^cluster\//, '');
  const vpcId = network && networkId({ account, region }, network);
  return { cluster: { id, name, account, region, vpcId }, access };
}
