import { defineGroup } from '../lib/define-command.ts';
import { scopeCreate } from './scope-create.ts';
import { scopeDelete } from './scope-delete.ts';
import { scopeGet } from './scope-get.ts';
import { scopeList } from './scope-list.ts';
import { scopeUpdate } from './scope-update.ts';

export const scopeGroup = defineGroup({
  name: 'scope',
  summary: 'manage the scope, which selects the accounts and Regions to observe',
  commands: [scopeCreate, scopeGet, scopeList, scopeUpdate, scopeDelete],
});
