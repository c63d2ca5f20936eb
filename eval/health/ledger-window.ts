import { isRefused, type LifeCounts, lifeOf } from '../../src/health/cells/life.ts';
import type { Cells } from '../../src/health/channels/registry.ts';
import type { ConstructClassName } from '../../src/health/constructs/construct-class.ts';
import {
  buildConstructs,
  type Constructs,
  LIMITED,
  LIMITS_UNKNOWN,
  WITHIN_LIMITS,
} from '../../src/health/constructs/constructs.ts';
import { buildCells, emptyClasses, emptyHistory } from '../../src/health/evidence/build-cells.ts';
import { PARAMETERS, PRIOR_LOSS, PRIOR_LOSS_ELSEWHERE } from '../../src/health/parameters.ts';
import type { ConstructKind, SimNetwork } from '../sim/sim-network.ts';
import type { SimWindow } from '../sim/sim-window.ts';

const CLASS_NAMES: Readonly<Record<ConstructKind, ConstructClassName>> = {
  subnet: 'subnet',
  az: 'az',
  'az-pair': 'az-pair',
  vpc: 'vpc',
  peering: 'peering',
  'transit-gateway': 'tgw',
  attachment: 'tgw-attachment',
  nat: 'nat',
  edge: 'edge',
  'region-pair': 'region-pair',
  internet: 'internet-edge',
  link: 'link',
  switch: 'link',
  service: 'service',
  host: 'host',
  endpoint: 'endpoint',
  image: 'image',
};

/** The category in the table of priors for each path class of the simulators. */
const CATEGORIES: Readonly<Record<string, string>> = {
  'intra-az': 'INTRA_AZ',
  'inter-az': 'INTER_AZ',
  peering: 'INTER_VPC',
  'transit-gateway': 'INTER_VPC',
  'inter-region': 'INTER_REGION',
  service: 'AMAZON_S3',
  internet: 'INTERNET',
};

/** The history of a simulated network's cells and classes, to which each window is added. */
export type LedgerHistory = Pick<Cells, 'history' | 'classes'>;

export function newLedgerHistory({ cells, classes }: SimNetwork): LedgerHistory {
  const priors = classes.map((name) => {
    const category = CATEGORIES[name.split(' ')[0] ?? ''];
    // A path within a fabric counts as a path within a zone.
    return category === undefined ? PRIOR_LOSS.INTRA_AZ : PRIOR_LOSS[category];
  });
  return {
    history: emptyHistory(cells),
    classes: emptyClasses(priors.map((prior) => prior ?? PRIOR_LOSS_ELSEWHERE)),
  };
}

/** A simulated window as cells of the health indicator. */
export function ledgerCells(window: SimWindow, { history, classes }: LedgerHistory): Cells {
  const { network, rttMean } = window;
  const { host, remote, pathStart, path, pathClass } = network;
  return buildCells({
    paths: { host, remote, pathStart, path },
    counts: {
      segments: window.segments,
      retrans: window.retrans,
      rttCount: (i) => ((rttMean[i] ?? 0) > 0 ? 1 : 0),
      rttSum: rttMean,
      rttMin: window.rttMin,
      attempts: window.connects,
      silent: (i) => Math.min(window.synRetrans[i] ?? 0, window.connects[i] ?? 0),
      busyMicros: window.busyMicros,
      rwndLimitedMicros: window.rwndLimitedMicros,
    },
    life: (i) => lifeOf(lifeCounts(window, i), PARAMETERS),
    isRefused: (i) => isRefused(lifeCounts(window, i)),
    history,
    baselineClass: (i) => pathClass[i] ?? 0,
    classes,
  });
}

function lifeCounts(window: SimWindow, i: number): LifeCounts {
  const attempts = window.connects[i] ?? 0;
  const failed = window.failedConnects[i] ?? 0;
  return {
    bytesDelivered: window.delivered[i] ?? 0,
    segments: window.segments[i] ?? 0,
    timeouts: window.timeouts[i] ?? 0,
    attempts,
    connected: attempts - failed,
    synsAgain: window.synRetrans[i] ?? 0,
    failed,
    busyMicros: window.busyMicros[i] ?? 0,
    rwndLimitedMicros: window.rwndLimitedMicros[i] ?? 0,
  };
}

export interface LedgerContext {
  readonly startSeconds: number;
  /** Names of constructs with an alarm from earlier windows. */
  readonly alarmed: ReadonlySet<string>;
}

export function ledgerConstructs(
  window: SimWindow,
  { startSeconds, alarmed }: LedgerContext,
): Constructs {
  const { constructs } = window.network;
  return buildConstructs({
    names: constructs.map(({ name }) => name),
    classes: constructs.map(({ kind }) => CLASS_NAMES[kind]),
    limited: (c) => {
      if (constructs[c]?.kind !== 'host') return LIMITS_UNKNOWN;
      return window.limited.has(c) ? LIMITED : WITHIN_LIMITS;
    },
    changedSeconds: (c) => (window.changed.has(c) ? startSeconds - 60 : 0),
    alarmed,
  });
}
