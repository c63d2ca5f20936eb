import { setPriority } from 'node:os';
import { formatRows } from '../lib/format-rows.ts';
import { missingForLab } from './net/kernel-need.ts';
import { routeTo } from './scenario/lab-windows.ts';
import {
  type JudgedWindow,
  runScenario,
  type ScenarioResult,
  sumPhase,
} from './scenario/run-scenario.ts';
import { SCENARIOS } from './scenario/scenarios.ts';
import { CLIENTS } from './scenario/transit-lab.ts';

const LAB_PRIORITY = -15;

const USAGE = `usage: nfm lab list
       nfm lab run SCENARIO...|all

Runs incidents on a network of namespaces on this machine (needs root), with the real
agent and the kernel's own TCP. Prints what the agents reported and the verdicts of health.
`;

/** `nfm lab …`. Exit code 0 if health blamed every culprit of the scenarios and nothing else. */
export async function runLab([command, ...names]: readonly string[]): Promise<number> {
  if (command === 'list') {
    const rows = Object.entries(SCENARIOS).map(([name, { story }]) => [name, story]);
    console.log(formatRows(rows));
    return 0;
  }
  const wanted = names[0] === 'all' ? Object.keys(SCENARIOS) : names;
  const unknown = wanted.find((name) => !Object.hasOwn(SCENARIOS, name));
  if (command !== 'run' || wanted.length === 0 || unknown !== undefined) {
    process.stderr.write(
      unknown === undefined ? USAGE : `nfm lab: no scenario ${unknown}\n${USAGE}`,
    );
    return 1;
  }
  const missing = missingForLab();
  if (missing !== undefined) {
    process.stderr.write(`nfm lab: ${missing}\n`);
    return 1;
  }
  // Other programs on this machine would disturb the measured round trips, so the lab's processes
  // get priority.
  setPriority(LAB_PRIORITY);
  let isRight = true;
  for (const name of wanted) isRight = (await run(name)) && isRight;
  return isRight ? 0 : 1;
}

async function run(name: string): Promise<boolean> {
  const scenario = SCENARIOS[name];
  if (scenario === undefined) return false;
  console.log(`${name}: ${scenario.story}`);
  const result = await runScenario(scenario, { onWindow: printWindow });
  console.log(formatRows(summaryRows(result)));
  const { named, missed, wrong } = result;
  for (const { culprit, windows } of named) {
    console.log(`  named: ${culprit.kind} ${culprit.construct}, after ${windows} windows`);
  }
  for (const { kind, construct } of missed) console.log(`  MISSED: ${kind} ${construct}`);
  for (const route of wrong) console.log(`  WRONG: the monitor of ${route} was degraded`);
  console.log('');
  return missed.length === 0 && wrong.length === 0;
}

function printWindow({ phase, findings, degraded }: JudgedWindow): void {
  const named = findings.map(({ construct, kind, what }) => `${kind} ${construct} (${what})`);
  const indicator = degraded.length === 0 ? '' : `degraded: ${degraded.join(', ')}  `;
  console.log(
    `  ${phase.padEnd(8)}  ${indicator}${named.length === 0 ? 'healthy' : named.join(', ')}`,
  );
}

/** Sums of what the agents reported, by route and by client, before and during the incident. */
function summaryRows({ windows }: ScenarioResult): readonly (readonly string[])[] {
  const rows = (['healthy', 'incident'] as const).flatMap((phase) => {
    const byRoute = sumPhase(windows, phase, ({ server }) => `${routeTo(server)} to ${server}`);
    const byClient = sumPhase(windows, phase, ({ client }) => `from ${client}`);
    return [...byRoute, ...byClient].map(([name, sum]) => [
      phase,
      name,
      `${sum.segmentsDelivered}`,
      percent(sum.retransEst, sum.segmentsDelivered),
      `${sum.rtosEst}`,
      `${sum.connectAttempts}`,
      `${sum.retransSyn}`,
      `${sum.severedConnect}`,
      millis(sum.rttUsSum, sum.rttUsCount),
    ]);
  });
  const title = ['phase', 'cells', 'segments', 'retransmitted', 'timeouts', 'connects'];
  return [
    [...title, 'SYNs again', 'connects failed', 'round trip'],
    ...rows.sort((a, b) => orderOf(a) - orderOf(b) || String(a[1]).localeCompare(String(b[1]))),
  ];
}

function orderOf([phase, name]: readonly string[]): number {
  const isClient = CLIENTS.some((client) => name === `from ${client}`);
  return (phase === 'healthy' ? 0 : 2) + (isClient ? 1 : 0);
}

function percent(part = 0, whole = 0): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(2)}%`;
}

function millis(sum = 0, count = 0): string {
  return count === 0 ? '-' : `${(sum / count / 1_000).toFixed(2)} ms`;
}
