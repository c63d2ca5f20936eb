import type { AuditEvent } from '../../model/audit-event.ts';
import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import type { Column } from '../lib/format-table.ts';
import { option } from '../lib/option.ts';
import { accountOption, jsonOption, limitOption, sinceOption } from '../lib/shared-options.ts';

interface AuditOptions {
  readonly since: number;
  readonly limit: number;
  readonly event?: string;
  readonly key?: string;
  readonly account?: string;
}

interface AuditPage {
  readonly events: readonly AuditEvent[];
  readonly nextToken?: string;
}

/** Events asked for in one request. */
const PAGE_SIZE = 500;
const COLUMNS: readonly Column<AuditEvent>[] = [
  { title: 'TIME', value: ({ eventTime }) => eventTime },
  { title: 'EVENT', value: ({ eventName }) => eventName },
  { title: 'ACCESS KEY', value: ({ userIdentity }) => userIdentity.accessKeyId },
  { title: 'FROM', value: ({ sourceIPAddress }) => sourceIPAddress },
  { title: 'ERROR', value: ({ errorCode }) => errorCode ?? '' },
  { title: 'RESOURCE', value: ({ resources }) => resources?.[0]?.ARN ?? '' },
];

export const auditCommand = defineCommand({
  name: 'audit',
  summary: 'list API calls and their callers, newest first; --json prints CloudTrail records',
  options: [
    sinceOption('1d'),
    limitOption('calls', 100_000, 50),
    option('--event <name>', 'only calls of this operation, such as CreateScope'),
    option('--key <accessKeyId>', 'only calls signed with this key'),
    accountOption,
    jsonOption,
  ],
  async run(call: CommandCall<AuditOptions>) {
    call.printRows(COLUMNS, await readEvents(call));
  },
});

async function readEvents(call: CommandCall<AuditOptions>): Promise<readonly AuditEvent[]> {
  const { since, limit, event: eventName, key: accessKeyId, account } = call.options;
  const filter = { start: call.secondsAgo(since), eventName, accessKeyId, account };
  const events: AuditEvent[] = [];
  let nextToken: string | undefined;
  do {
    const pageSize = String(Math.min(PAGE_SIZE, limit - events.length));
    const query = { ...filter, limit: pageSize, nextToken };
    const page = await call.request<AuditPage>({ method: 'GET', path: '/audit', query });
    events.push(...page.events);
    nextToken = page.nextToken;
  } while (nextToken !== undefined && events.length < limit);
  return events;
}
