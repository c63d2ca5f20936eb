import type { ConstructHealth } from '../../model/health.ts';
import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import { type Column, formatTable } from '../lib/format-table.ts';
import { jsonOption } from '../lib/shared-options.ts';
import { formatPercent } from './format-percent.ts';

type HealthColumn = Column<ConstructHealth>;

const COLUMNS: readonly HealthColumn[] = [
  { title: 'CLASS', value: ({ construct }) => construct.class },
  { title: 'CONSTRUCT', value: ({ construct }) => construct.id },
  { title: 'STATE', value: ({ state }) => state },
  number('FLOWS', ({ cells }) => String(cells)),
  number('SEGMENTS', ({ segments }) => String(segments)),
  number('RETRANSMITTED', ({ retrans }) => String(retrans)),
  number('DETECTABLE LOSS', ({ smallestLoss }) => formatPercent(smallestLoss)),
  number('NATS', ({ evidenceNats }) => evidenceNats.toFixed(1)),
];

function number(title: string, value: HealthColumn['value']): HealthColumn {
  return { title, align: 'right', value };
}

export const healthConstructs = defineCommand({
  name: 'constructs',
  summary: 'list every part of the network in the latest window, worst first',
  options: [jsonOption],
  async run(call: CommandCall) {
    const answer = await call.request<{ readonly constructs: readonly ConstructHealth[] }>({
      method: 'GET',
      path: '/health/constructs',
    });
    call.print(answer, () => formatTable(COLUMNS, answer.constructs));
  },
});
