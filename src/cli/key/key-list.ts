import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import type { Column } from '../lib/format-table.ts';
import { accountOption, jsonOption } from '../lib/shared-options.ts';
import { KEYS_PATH } from './key-path.ts';

interface Key {
  readonly accessKeyId: string;
  readonly account: string;
  readonly kind: string;
  readonly status: string;
  readonly description: string;
  readonly createdAt: string;
}

const COLUMNS: readonly Column<Key>[] = [
  { title: 'ACCESS KEY', value: ({ accessKeyId }) => accessKeyId },
  { title: 'KIND', value: ({ kind }) => kind },
  { title: 'STATUS', value: ({ status }) => status },
  { title: 'CREATED', value: ({ createdAt }) => createdAt },
  { title: 'DESCRIPTION', value: ({ description }) => description },
];

export const keyList = defineCommand({
  name: 'list',
  summary: 'list the keys of the account',
  options: [accountOption, jsonOption],
  async run(call: CommandCall<{ readonly account?: string }>) {
    const { account } = call.options;
    const answer = await call.request<{ readonly keys: readonly Key[] }>({
      method: 'GET',
      path: KEYS_PATH,
      query: { account },
    });
    call.printRows(COLUMNS, answer.keys);
  },
});
