import { defineGroup } from '../lib/define-command.ts';
import { healthConstructs } from './health-constructs.ts';
import { healthExplain } from './health-explain.ts';
import { healthIncidents } from './health-incidents.ts';
import { healthStatus } from './health-status.ts';

export const healthGroup = defineGroup({
  name: 'health',
  summary: 'show whether the network is at fault, and which part of it',
  commands: [healthStatus, healthExplain, healthConstructs, healthIncidents],
});
