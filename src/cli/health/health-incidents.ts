import type { Incident } from '../../model/health.ts';
import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import { type Column, formatTable } from '../lib/format-table.ts';
import { jsonOption, sinceOption } from '../lib/shared-options.ts';

const COLUMNS: readonly Column<Incident>[] = [
  { title: 'OPENED', value: ({ openedAt }) => openedAt.slice(0, 19) },
  { title: 'CLOSED', value: ({ closedAt }) => closedAt?.slice(0, 19) ?? '' },
  { title: 'KIND', value: ({ kind }) => kind },
  { title: 'FLAPPING', value: ({ isFlapping }) => (isFlapping ? 'yes' : '') },
  { title: 'MONITORS', value: ({ monitors }) => monitors.join(',') },
  { title: 'SUMMARY', value: lastSentence },
];

/** The newest description of the fault; the closing event describes none. */
function lastSentence({ timeline }: Incident): string {
  return timeline.findLast(({ what }) => what !== 'closed')?.sentence ?? '';
}

export const healthIncidents = defineCommand({
  name: 'incidents',
  summary: 'list faults and when they opened and closed, newest first',
  options: [sinceOption('1h'), jsonOption],
  async run(call: CommandCall<{ readonly since: number }>) {
    const answer = await call.request<{ readonly incidents: readonly Incident[] }>({
      method: 'GET',
      path: '/health/incidents',
      query: { start: call.secondsAgo(call.options.since) },
    });
    call.print(answer, () => formatTable(COLUMNS, answer.incidents));
  },
});
