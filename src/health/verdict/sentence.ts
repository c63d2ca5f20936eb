import type {
  HealthConstruct,
  HealthExplanation,
  HealthFinding,
  HealthState,
} from '../../model/health.ts';
import type { ChannelWords } from '../channels/channel.ts';
import { CHANNELS } from '../channels/registry.ts';
import { percent, plural } from '../wording.ts';

type WordlessFinding = Omit<HealthFinding, 'sentence'>;
type Noun = (construct: HealthConstruct) => string;

/** A sentence with the fault, its start and size, the control group and the first alternative. */
export function findingSentence(finding: WordlessFinding, noun: Noun): string {
  const { construct, since, contrast, ambiguousWith, alternatives } = finding;
  const [through, avoiding] = contrast;
  const words = wordsOf(finding.fault.kind);
  const one = ambiguousWith.map((other) => named(other, noun));
  const where = [named(construct, noun), ...one].join(' or ');
  const counts = through && words?.through?.(through);
  const parts = [
    `Since ${since.slice(11, 16)} UTC ${PREDICATES[finding.kind](finding, where)}${counts === undefined ? '' : ` (${counts})`}`,
  ];
  const elsewhere =
    avoiding === undefined
      ? 'There is no control group: all flows go through it'
      : words?.elsewhere?.(avoiding);
  if (elsewhere !== undefined) parts.push(elsewhere);
  const [rival] = alternatives;
  if (rival !== undefined && !ambiguousWith.some(({ id }) => id === rival.construct.id)) {
    parts.push(`Not ${named(rival.construct, noun)}: ${rival.why}`);
  }
  if (finding.doubt !== undefined) parts.push(DOUBTS[finding.doubt]);
  return `${parts.join('. ')}.`;
}

type Predicate = (finding: WordlessFinding, where: string) => string;

const flowsThrough: Predicate = (finding, where) => `flows through ${where} ${harm(finding)}`;
const flowsOf: Predicate = (finding, where) => `flows of ${where} ${harm(finding)}, on every path`;

const PREDICATES: Readonly<Record<HealthFinding['kind'], Predicate>> = {
  network: flowsThrough,
  congestion: (finding, where) => `${flowsThrough(finding, where)}, and more of it under more load`,
  'service-edge': flowsThrough,
  configuration: (_, where) =>
    `nothing gets through ${where}, just after its configuration changed: look there first`,
  'instance-limit': (finding, where) =>
    `${flowsOf(finding, where)}: it exceeds an allowance of its instance type`,
  host: flowsOf,
  'remote-host': (finding, where) => `flows to ${where} ${harm(finding)}, from every host`,
  'remote-service': (finding, where) => `flows to ${where} ${harm(finding)}, from several places`,
  application: ({ fault }, where) =>
    fault.kind === 'stalled'
      ? `${where} reads too slowly and keeps its senders waiting: its application, not the network`
      : `${where} refuses connections: its application, not the network`,
  rollout: (finding, where) => `flows of all hosts with ${where} ${harm(finding)}`,
  internet: flowsThrough,
  nat: flowsThrough,
};

const DOUBTS = {
  unconfirmed: 'Not sure yet: the evidence is below what an alarm needs',
  'few-vantage-points': 'Too few hosts see it to blame what they share',
  ambiguous: 'Something that is no part of the network explains it as well',
  'no-control-group': 'It may as well be the hosts: none of their flows avoids it',
  'just-changed': 'It began with a change of the topology',
} as const;

function harm({ fault }: WordlessFinding): string {
  return wordsOf(fault.kind)?.harm(fault) ?? '';
}

/** Undefined for the faults of an application, which have no channel. */
function wordsOf(kind: HealthFinding['fault']['kind']): ChannelWords | undefined {
  return kind === 'refused' || kind === 'stalled' ? undefined : CHANNELS[kind].words;
}

/** The sentence that sums up a monitor. */
export function verdictSentence({
  state,
  findings,
  power,
  retrans,
}: {
  readonly state: HealthState;
  readonly findings: readonly HealthFinding[];
  readonly power: HealthExplanation['power'];
  readonly retrans: number;
}): string {
  const first =
    state === 'degraded'
      ? findings.find(({ setsIndicator }) => setsIndicator)
      : findings.find(({ doubt }) => doubt !== undefined);
  if ((state === 'degraded' || state === 'suspected') && first !== undefined) {
    return first.sentence;
  }
  if (state === 'insufficient') {
    return power.segments === 0
      ? 'Cannot tell: none of its flows sent anything over the network.'
      : `Cannot tell: with ${plural(power.segments, 'segment')} sent on ${plural(power.cells, 'flow')} no loss would show.`;
  }
  const lost = `${retrans} of ${plural(power.segments, 'segment')} were sent again`;
  const seen = `a loss of ${percent(power.smallestLoss ?? 1)} would have shown`;
  const [other] = findings;
  if (other === undefined) return `The network is healthy: ${lost}, as usual, and ${seen}.`;
  return `The network is healthy: ${seen}. Not the network, but: ${other.sentence}`;
}

function named(construct: HealthConstruct, noun: Noun): string {
  return `${noun(construct)} ${construct.id}`;
}
