import type { Command } from 'commander';
import type {
  ConstructHealth,
  HealthExplanation,
  HealthFinding,
  HealthMinute,
  Incident,
} from '../model/health.ts';
import type { CliContext } from './context.ts';
import { extensionApi, queryText } from './extension-api.ts';
import { formatTable } from './format-table.ts';
import { parseDuration } from './parse-options.ts';
import { printJson } from './print-json.ts';

interface JsonOption {
  readonly json?: true;
}

const HOUR_SECONDS = 3_600;

export function addHealthCommands(program: Command, context: CliContext): void {
  const health = program.command('health').description('is it the network, and which part of it?');
  addStatus(health, context);
  addExplain(health, context);
  addConstructs(health, context);
  addIncidents(health, context);
}

function addStatus(health: Command, context: CliContext): void {
  health
    .command('status')
    .description('each monitor now, in a sentence')
    .option('--json', 'print JSON')
    .action(async (options: JsonOption, command: Command) => {
      const target = '/api/v1/health/status';
      const answer = await extensionApi(context).request(command, { method: 'GET', target });
      if (options.json === true) return printJson(context.out, answer);
      type Row = HealthMinute & { readonly sentence: string };
      const { monitors } = answer as { readonly monitors: readonly Row[] };
      if (monitors.length === 0) return context.out.write(NOTHING_YET);
      const columns = [
        { title: 'MONITOR', value: ({ monitorName }: Row) => monitorName },
        { title: 'STATE', value: ({ state }: Row) => state },
        { title: 'NHI', value: ({ healthIndicator }: Row) => String(healthIndicator ?? '') },
        { title: 'MINUTE', value: ({ minute }: Row) => minute.slice(0, 16) },
        { title: 'WHY', value: ({ sentence }: Row) => sentence },
      ];
      return context.out.write(formatTable(columns, monitors));
    });
}

const NOTHING_YET = `No monitor was judged yet; each is within two minutes after \`nfm monitor create\`.
`;

function addExplain(health: Command, context: CliContext): void {
  health
    .command('explain')
    .description('what is wrong with a monitor, who it is, and how it is known')
    .argument('<monitor>')
    .option('--at <time>', 'the minute at this time, ISO 8601 (default: the latest)')
    .option('--again', 'computed again from what it was judged by')
    .option('--json', 'print JSON')
    .action(
      async (
        monitorName: string,
        options: JsonOption & { readonly at?: string; readonly again?: true },
        command: Command,
      ) => {
        const path = `/api/v1/health/monitors/${encodeURIComponent(monitorName)}/explanation`;
        const target = `${path}${queryText({ at: options.at, again: options.again && 'true' })}`;
        const answer = await extensionApi(context).request(command, { method: 'GET', target });
        if (options.json === true) return printJson(context.out, answer);
        return context.out.write(explanationText(answer as HealthExplanation));
      },
    );
}

function addConstructs(health: Command, context: CliContext): void {
  health
    .command('constructs')
    .description('every part of the network in the last window, the worst first')
    .option('--json', 'print JSON')
    .action(async (options: JsonOption, command: Command) => {
      const target = '/api/v1/health/constructs';
      const answer = await extensionApi(context).request(command, { method: 'GET', target });
      if (options.json === true) return printJson(context.out, answer);
      const { constructs } = answer as { readonly constructs: readonly ConstructHealth[] };
      const columns = [
        { title: 'CLASS', value: ({ construct }: ConstructHealth) => construct.class },
        { title: 'CONSTRUCT', value: ({ construct }: ConstructHealth) => construct.id },
        { title: 'STATE', value: ({ state }: ConstructHealth) => state },
        right('FLOWS', ({ cells }) => String(cells)),
        right('SEGMENTS', ({ segments }) => String(segments)),
        right('SENT AGAIN', ({ retrans }) => String(retrans)),
        right('WOULD SHOW', ({ smallestLoss }) => percent(smallestLoss)),
        right('NATS', ({ evidenceNats }) => evidenceNats.toFixed(1)),
      ];
      return context.out.write(formatTable(columns, constructs));
    });
}

function right(title: string, value: (row: ConstructHealth) => string) {
  return { title, align: 'right' as const, value };
}

function addIncidents(health: Command, context: CliContext): void {
  health
    .command('incidents')
    .description('faults from their first window to their last, the newest first')
    .option('--since <duration>', 'how far back, such as 5m, 1h or 2d', parseDuration, HOUR_SECONDS)
    .option('--json', 'print JSON')
    .action(async (options: JsonOption & { readonly since: number }, command: Command) => {
      const start = new Date(context.clock.now() - options.since * 1000).toISOString();
      const target = `/api/v1/health/incidents${queryText({ start })}`;
      const answer = await extensionApi(context).request(command, { method: 'GET', target });
      if (options.json === true) return printJson(context.out, answer);
      const { incidents } = answer as { readonly incidents: readonly Incident[] };
      const columns = [
        { title: 'OPENED', value: ({ openedAt }: Incident) => openedAt.slice(0, 19) },
        { title: 'CLOSED', value: ({ closedAt }: Incident) => closedAt?.slice(0, 19) ?? '' },
        { title: 'KIND', value: ({ kind }: Incident) => kind },
        { title: 'FLAPS', value: ({ isFlapping }: Incident) => (isFlapping ? 'yes' : '') },
        { title: 'MONITORS', value: ({ monitors }: Incident) => monitors.join(',') },
        {
          title: 'WHAT',
          value: ({ timeline }: Incident) =>
            timeline.findLast(({ what }) => what !== 'closed')?.sentence ?? '',
        },
      ];
      return context.out.write(formatTable(columns, incidents));
    });
}

function explanationText(explanation: HealthExplanation): string {
  const { state, healthIndicator, start, end, sentence, findings } = explanation;
  const { power, completeness, baseline, baselineUntil, parameters, inputsId } = explanation;
  const lines = [
    sentence,
    '',
    `state         ${state}, health indicator ${healthIndicator ?? 'unknown'}`,
    `window        ${start.slice(0, 19)} to ${end.slice(11, 19)} UTC`,
    `seen          ${power.cells} flows, ${power.segments} segments; a loss of ${percent(power.smallestLoss)} would have shown`,
    `hosts         ${percent(completeness.hosts)} of those that reported lately`,
    `cut           ${percent(completeness.flowsCut)} of their flows, ${percent(completeness.bytesCut)} of their bytes, by reports that were full`,
    `judged by     ${baseline === 'learned' ? `its own history until ${baselineUntil.slice(0, 19)}` : 'class priors: there is no history yet'}, parameters ${parameters}`,
    `kept as       ${inputsId ?? '-'}`,
    ...findings.flatMap(findingLines),
  ];
  return `${lines.map((line) => line.replace(/[\p{Cc}\p{Cf}]/gu, '?')).join('\n')}\n`;
}

function findingLines(finding: HealthFinding): string[] {
  const { construct, kind, contrast, ledger, alternatives, ambiguousWith } = finding;
  return [
    '',
    `${construct.class} ${construct.id}: ${kind}${finding.setsIndicator ? ', sets the indicator' : ''}`,
    `  ${finding.sentence}`,
    `  evidence ${finding.evidenceNats.toFixed(1)} nats, an alarm needs ${finding.thresholdNats.toFixed(1)}`,
    ...contrast.map(
      (group) =>
        `  ${group.group}: ${group.retrans} of ${group.segments} segments sent again (${percent(group.rate)}, expected ${percent(group.expected)}), ${group.cells} flows of ${group.hosts} hosts`,
    ),
    ...ledger.map(({ owner, retrans }) => `  owed by ${owner}: ${retrans}`),
    ...alternatives.map(
      (other) => `  not ${other.construct.class} ${other.construct.id}: ${other.why}`,
    ),
    ...ambiguousWith.map((other) => `  or ${other.class} ${other.id}: cannot be told apart`),
  ];
}

function percent(share: number | undefined): string {
  return share === undefined ? '-' : `${Number((share * 100).toPrecision(2))}%`;
}
