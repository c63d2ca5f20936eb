import type { Command } from 'commander';
import { SECONDS_A_DAY } from '../lib/durations.ts';
import type { AuditEvent } from '../model/audit-event.ts';
import type { CliContext } from './context.ts';
import { extensionApi, queryText } from './extension-api.ts';
import { formatTable } from './format-table.ts';
import { parseDuration, wholeNumber } from './parse-options.ts';
import { printJson } from './print-json.ts';

interface AuditOptions {
  readonly since: number;
  readonly limit: number;
  readonly event?: string;
  readonly key?: string;
  readonly account?: string;
  readonly json?: true;
}

interface Page {
  readonly events: readonly AuditEvent[];
  readonly nextToken?: string;
}

/** Of one request. */
const PAGE = 500;

export function addAuditCommand(program: Command, context: CliContext): void {
  program
    .command('audit')
    .description('who called what, newest first')
    .option(
      '--since <duration>',
      'how far back, such as 5m, 1h or 2d',
      parseDuration,
      SECONDS_A_DAY,
    )
    .option('--limit <n>', 'calls shown', wholeNumber(1, 100_000), 50)
    .option('--event <name>', 'only calls of this name, such as CreateScope')
    .option('--key <accessKeyId>', 'only calls signed with this key')
    .option('--account <account>', 'another account; for the management account')
    .option('--json', 'print JSON, the members of a CloudTrail record')
    .action(async (options: AuditOptions, command: Command) => {
      const events = await read(context, options, command);
      if (options.json === true) return printJson(context.out, events);
      return context.out.write(formatTable(COLUMNS, events));
    });
}

async function read(
  context: CliContext,
  options: AuditOptions,
  command: Command,
): Promise<readonly AuditEvent[]> {
  const { request } = extensionApi(context);
  const start = new Date(context.clock.now() - options.since * 1000).toISOString();
  const events: AuditEvent[] = [];
  let nextToken: string | undefined;
  do {
    const limit = String(Math.min(PAGE, options.limit - events.length));
    const { event: eventName, key: accessKeyId, account } = options;
    const query = queryText({ start, limit, eventName, accessKeyId, account, nextToken });
    const answer = await request(command, { method: 'GET', target: `/api/v1/audit${query}` });
    const page = answer as Page;
    events.push(...page.events);
    nextToken = page.nextToken;
  } while (nextToken !== undefined && events.length < options.limit);
  return events;
}

const COLUMNS = [
  { title: 'TIME', value: ({ eventTime }: AuditEvent) => eventTime },
  { title: 'EVENT', value: ({ eventName }: AuditEvent) => eventName },
  { title: 'ACCESS KEY', value: ({ userIdentity }: AuditEvent) => userIdentity.accessKeyId },
  { title: 'FROM', value: ({ sourceIPAddress }: AuditEvent) => sourceIPAddress },
  { title: 'ERROR', value: ({ errorCode }: AuditEvent) => errorCode ?? '' },
  { title: 'RESOURCE', value: ({ resources }: AuditEvent) => resources?.[0]?.ARN ?? '' },
];
