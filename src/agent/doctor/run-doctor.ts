import { systemClock } from '../../lib/clock.ts';
import { AgentError } from '../agent-error.ts';
import { type OpenEndpoint, openEndpoint } from '../open-endpoint.ts';
import { type AgentOptions, parseAgentOptions } from '../options.ts';
import type { Check } from './check.ts';
import { endpointChecks } from './endpoint-checks.ts';
import { hostChecks } from './host-checks.ts';

/**
 * Runs `nfm agent doctor`: checks each requirement of the agent, with the agent's options, and prints
 * a line for each, with the remedy if it is not met.
 *
 * @returns the exit code: 1 when a check fails
 */
export async function runDoctor(argv: readonly string[]): Promise<number> {
  // `--print` makes --endpoint optional: the other checks need none.
  const parsed = parseAgentOptions(['--print', ...argv]);
  if (parsed.status === 'exit') return parsed.code;
  const checks = [...hostChecks(parsed.options), ...(await checkEndpoint(parsed.options))];
  process.stdout.write(checks.map(lineOf).join(''));
  return checks.some(({ status }) => status === 'FAIL') ? 1 : 0;
}

async function checkEndpoint(options: AgentOptions): Promise<readonly Check[]> {
  let to: OpenEndpoint | undefined;
  try {
    to = options.endpoint && openEndpoint(options.endpoint, options, systemClock);
    return await endpointChecks(to);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    const todo = 'see what it says';
    return [{ name: 'endpoint', status: 'FAIL', found: error.message, todo }];
  } finally {
    to?.close();
  }
}

function lineOf({ name, status, found, todo }: Check): string {
  const line = `${status.padEnd(5)}${name.padEnd(20)}${found}\n`;
  return todo === undefined ? line : `${line}${' '.repeat(25)}→ ${todo}\n`;
}
