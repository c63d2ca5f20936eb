import { AWS_TOPOLOGY_ACTIONS } from '../../model/aws-topology-actions.ts';
import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';

export const topologyPolicy = defineCommand({
  name: 'policy',
  summary: 'print the IAM policy that --aws-topology needs in each account',
  async run(call: CommandCall) {
    call.printJson({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: AWS_TOPOLOGY_ACTIONS, Resource: '*' }],
    });
  },
});
