import { defineGroup } from '../lib/define-command.ts';
import { monitorCreate } from './monitor-create.ts';
import { monitorDelete } from './monitor-delete.ts';
import { monitorGet } from './monitor-get.ts';
import { monitorList } from './monitor-list.ts';
import { monitorUpdate } from './monitor-update.ts';

export const monitorGroup = defineGroup({
  name: 'monitor',
  summary: 'manage monitors, which track the flows of chosen resources over time',
  commands: [monitorCreate, monitorGet, monitorList, monitorUpdate, monitorDelete],
});
