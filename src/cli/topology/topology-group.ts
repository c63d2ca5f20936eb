import { defineGroup } from '../lib/define-command.ts';
import { topologyDiff } from './topology-diff.ts';
import { topologyLookup } from './topology-lookup.ts';
import { topologyPath } from './topology-path.ts';
import { topologyPolicy } from './topology-policy.ts';
import { topologyShow } from './topology-show.ts';
import { topologyStatus } from './topology-status.ts';

export const topologyGroup = defineGroup({
  name: 'topology',
  summary: 'show the resources, addresses and paths of the network',
  commands: [
    topologyStatus,
    topologyShow,
    topologyLookup,
    topologyPath,
    topologyPolicy,
    topologyDiff,
  ],
});
