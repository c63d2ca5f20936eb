import type { HealthMinute } from '../../model/health.ts';
import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import { type Column, formatTable } from '../lib/format-table.ts';
import { jsonOption } from '../lib/shared-options.ts';

interface MonitorHealth extends HealthMinute {
  readonly sentence: string;
}

const NO_VERDICT_YET =
  'No monitor has a verdict yet. The first verdict follows within two minutes of nfm monitor create.\n';

const COLUMNS: readonly Column<MonitorHealth>[] = [
  { title: 'MONITOR', value: ({ monitorName }) => monitorName },
  { title: 'STATE', value: ({ state }) => state },
  { title: 'NHI', value: ({ healthIndicator }) => String(healthIndicator ?? '') },
  { title: 'MINUTE', value: ({ minute }) => minute.slice(0, 16) },
  { title: 'REASON', value: ({ sentence }) => sentence },
];

export const healthStatus = defineCommand({
  name: 'status',
  summary: 'show the latest verdict on each monitor and the reason for it',
  options: [jsonOption],
  async run(call: CommandCall) {
    const answer = await call.request<{ readonly monitors: readonly MonitorHealth[] }>({
      method: 'GET',
      path: '/health/status',
    });
    call.print(answer, () =>
      answer.monitors.length === 0 ? NO_VERDICT_YET : formatTable(COLUMNS, answer.monitors),
    );
  },
});
