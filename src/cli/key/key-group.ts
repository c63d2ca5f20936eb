import { defineGroup } from '../lib/define-command.ts';
import { keyCreate } from './key-create.ts';
import { keyDelete } from './key-delete.ts';
import { keyGet } from './key-get.ts';
import { keyList } from './key-list.ts';
import { keyPolicy } from './key-policy.ts';
import { keyDisable, keyEnable } from './key-status.ts';

export const keyGroup = defineGroup({
  name: 'key',
  summary: 'manage access keys and their permissions',
  commands: [keyList, keyCreate, keyGet, keyPolicy, keyEnable, keyDisable, keyDelete],
});
