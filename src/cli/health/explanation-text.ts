import type { ContrastGroup, HealthExplanation, HealthFinding } from '../../model/health.ts';
import { printable } from '../lib/format-table.ts';
import { formatPercent } from './format-percent.ts';

/** An explanation for the terminal: the verdict, its inputs, then each finding. */
export function explanationText(explanation: HealthExplanation): string {
  const { state, healthIndicator, start, end, sentence, findings } = explanation;
  const { power, completeness, inputsId } = explanation;
  const lines = [
    sentence,
    '',
    `state         ${state}, health indicator ${healthIndicator ?? 'unknown'}`,
    `window        ${start.slice(0, 19)} to ${end.slice(11, 19)} UTC`,
    `observed      ${power.cells} flows, ${power.segments} segments; detectable loss ${formatPercent(power.smallestLoss)}`,
    `hosts         ${formatPercent(completeness.hosts)} of the recently active hosts reported`,
    `cut           ${formatPercent(completeness.flowsCut)} of their flows, ${formatPercent(completeness.bytesCut)} of their bytes: over the limit of a report`,
    `baseline      ${baselineText(explanation)}`,
    `inputs        ${inputsId ?? 'not stored'}`,
    ...findings.flatMap(findingLines),
  ];
  return `${lines.map(printable).join('\n')}\n`;
}

function baselineText({ baseline, baselineUntil, parameters }: HealthExplanation): string {
  const source =
    baseline === 'learned'
      ? `the monitor's own history until ${baselineUntil.slice(0, 19)}`
      : 'class priors, because there is no history yet';
  return `${source}; parameters version ${parameters}`;
}

function findingLines(finding: HealthFinding): string[] {
  const { construct, kind, setsIndicator, contrast, ledger, alternatives, ambiguousWith } = finding;
  return [
    '',
    `${construct.class} ${construct.id}: ${kind}${setsIndicator ? ', sets the indicator' : ''}`,
    `  ${finding.sentence}`,
    `  evidence ${finding.evidenceNats.toFixed(1)} nats; an alarm needs ${finding.thresholdNats.toFixed(1)}`,
    ...contrast.map((group) => `  ${contrastText(group)}`),
    ...ledger.map(({ owner, retrans }) => `  retransmissions due to ${owner}: ${retrans}`),
    ...alternatives.map(
      (other) => `  ruled out ${other.construct.class} ${other.construct.id}: ${other.why}`,
    ),
    ...ambiguousWith.map((other) => `  equally likely: ${other.class} ${other.id}`),
  ];
}

function contrastText({ group, retrans, segments, rate, expected, cells, hosts }: ContrastGroup) {
  const rates = `${formatPercent(rate)}, expected ${formatPercent(expected)}`;
  return `${group}: ${retrans} of ${segments} segments retransmitted (${rates}), ${cells} flows from ${hosts} hosts`;
}
