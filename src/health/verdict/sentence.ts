import type {
  HealthConstruct,
  HealthExplanation,
  HealthFinding,
  HealthState,
} from '../../model/health.ts';

type SayableFinding = Omit<HealthFinding, 'sentence'>;
type Noun = (construct: HealthConstruct) => string;

/** What is wrong, since when, by how much, how it is known, and who it is not. */
export function findingSentence(finding: SayableFinding, noun: Noun): string {
  const { construct, since, contrast, ambiguousWith, alternatives } = finding;
  const [through, avoiding] = contrast;
  const one = ambiguousWith.map((other) => named(other, noun));
  const where = [named(construct, noun), ...one].join(' or ');
  const parts = [`Since ${since.slice(11, 16)} UTC ${WHAT[finding.kind](finding, where)}`];
  if (through !== undefined && finding.fault.kind === 'loss') {
    parts[0] += ` (${through.retrans} of ${through.segments} segments, ${plural(through.hosts, 'host')})`;
  }
  if (through !== undefined && finding.fault.kind === 'connect') {
    parts[0] += ` (${through.silent} of ${through.attempts}, ${plural(through.hosts, 'host')})`;
  }
  if (avoiding !== undefined && avoiding.attempts > 0 && finding.fault.kind === 'connect') {
    parts.push(`Elsewhere it is ${percent(avoiding.silent / avoiding.attempts)}`);
  }
  if (avoiding?.rate !== undefined && finding.fault.kind === 'loss') {
    const isHost = avoiding.group === 'other hosts, to the same remotes';
    parts.push(
      isHost
        ? `Other hosts lose ${percent(avoiding.rate)} to the same remotes`
        : `The same hosts lose ${percent(avoiding.rate)} on every other path`,
    );
  } else if (avoiding === undefined)
    parts.push('There is no control group: all flows go through it');
  const [rival] = alternatives;
  if (rival !== undefined && !ambiguousWith.some(({ id }) => id === rival.construct.id)) {
    parts.push(`Not ${named(rival.construct, noun)}: ${rival.why}`);
  }
  if (finding.doubt !== undefined) parts.push(DOUBTS[finding.doubt]);
  return `${parts.join('. ')}.`;
}

type What = (finding: SayableFinding, where: string) => string;

const flowsThrough: What = (finding, where) => `flows through ${where} ${harm(finding)}`;
const flowsOf: What = (finding, where) => `flows of ${where} ${harm(finding)}, on whatever path`;

const WHAT: Readonly<Record<HealthFinding['kind'], What>> = {
  network: flowsThrough,
  congestion: (finding, where) => `${flowsThrough(finding, where)}, more the more goes through it`,
  'service-edge': flowsThrough,
  configuration: (_, where) =>
    `nothing gets through ${where}, just after its configuration changed: look there first`,
  'instance-limit': (finding, where) =>
    `${flowsOf(finding, where)}: it exceeds an allowance of its instance type`,
  host: flowsOf,
  'remote-host': (finding, where) => `flows to ${where} ${harm(finding)}, from whatever host`,
  'remote-service': (finding, where) => `flows to ${where} ${harm(finding)}, from several places`,
  application: ({ fault }, where) =>
    fault.kind === 'stalled'
      ? `${where} reads too slowly and keeps its senders waiting: its application, not the network`
      : `${where} refuses connections: its application, not the network`,
  rollout: (finding, where) =>
    `hosts with ${where} have it in common that their flows ${harm(finding)}`,
  internet: flowsThrough,
  nat: flowsThrough,
};

const DOUBTS = {
  unconfirmed: 'Not sure yet: the evidence is below what an alarm needs',
  'few-vantage-points': 'Too few hosts see it to accuse what they share',
  ambiguous: 'What explains it as well is no part of the network',
  'no-control-group': 'It may as well be the hosts: none of their flows avoids it',
  'just-changed': 'It began with a change of the topology',
} as const;

function harm({ fault }: SayableFinding): string {
  const { kind, shape, size } = fault;
  if (kind === 'latency') return `take ${millis(size)} longer`;
  if (kind === 'connect')
    return `have ${percent(size)} of their connection attempts met with silence`;
  if (kind === 'dead') return `get nothing through, ${percent(size)} of them`;
  return shape === 'uniform'
    ? `lose ${percent(size)}`
    : `are broken in part, about ${percent(size)} of them`;
}

/** The first thing to read about a monitor. */
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

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))}%`;
}

function millis(micros: number): string {
  return `${Number((micros / 1000).toPrecision(2))} ms`;
}
