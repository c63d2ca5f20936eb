import type { HealthExplanation } from '../../model/health.ts';
import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import { argument, option } from '../lib/option.ts';
import { jsonOption } from '../lib/shared-options.ts';
import { explanationText } from './explanation-text.ts';

interface ExplainOptions {
  readonly at?: string;
  readonly again?: true;
}

export const healthExplain = defineCommand({
  name: 'explain',
  summary: 'explain a verdict: the part at fault, the evidence and what was ruled out',
  arguments: [argument('<monitor>', 'name of the monitor')],
  options: [
    option('--at <time>', 'explain the minute at this ISO 8601 time (default: the latest minute)'),
    option('--again', 'compute the verdict again from its stored inputs'),
    jsonOption,
  ],
  async run(call: CommandCall<ExplainOptions>, monitorName: string) {
    const { at, again } = call.options;
    const explanation = await call.request<HealthExplanation>({
      method: 'GET',
      path: `/health/monitors/${encodeURIComponent(monitorName)}/explanation`,
      query: { at, again: again && 'true' },
    });
    call.print(explanation, () => explanationText(explanation));
  },
});
