import {
  ALIVE,
  type BaselineClasses,
  type CellHistory,
  type Cells,
  DEAD,
  IDLE,
} from '../../src/health/cells/cells.ts';
import type { ConstructClassName } from '../../src/health/constructs/construct-class.ts';
import type { Constructs } from '../../src/health/constructs/constructs.ts';
import { PRIOR_LOSS, PRIOR_LOSS_ELSEWHERE } from '../../src/health/parameters.ts';
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

export function emptyHistory(cells: number): CellHistory {
  const zeros = () => new Float64Array(cells);
  return {
    retrans: zeros(),
    segments: zeros(),
    rttWeight: zeros(),
    lnRtt: zeros(),
    lnRttSquare: zeros(),
    lnRttMin: zeros(),
    attempts: zeros(),
    silent: zeros(),
    busyMicros: zeros(),
    rwndLimitedMicros: zeros(),
  };
}

export function emptyClasses({ classes }: SimNetwork): BaselineClasses {
  return {
    retrans: new Float64Array(classes.length),
    segments: new Float64Array(classes.length),
    attempts: new Float64Array(classes.length),
    silent: new Float64Array(classes.length),
    priorLoss: Float64Array.from(classes, (name) => {
      const category = CATEGORIES[name.split(' ')[0] ?? ''];
      // A path within a fabric has the prior of a path within a zone.
      return category === undefined
        ? (PRIOR_LOSS.INTRA_AZ ?? PRIOR_LOSS_ELSEWHERE)
        : (PRIOR_LOSS[category] ?? PRIOR_LOSS_ELSEWHERE);
    }),
  };
}

/** Converts a simulated window to the cells of the health indicator. */
export function ledgerCells(
  window: SimWindow,
  history: CellHistory,
  classes: BaselineClasses,
): Cells {
  const { network, rttMean } = window;
  const { length } = rttMean;
  return {
    length,
    host: network.host,
    remote: network.remote,
    pathStart: network.pathStart,
    path: network.path,
    segments: window.segments,
    retrans: window.retrans,
    rttCount: Float64Array.from(rttMean, (rtt) => (rtt > 0 ? 1 : 0)),
    rttSum: rttMean,
    rttMin: window.rttMin,
    attempts: window.connects,
    silent: window.synRetrans.map((again, cell) => Math.min(again, window.connects[cell] ?? 0)),
    busyMicros: window.busyMicros,
    rwndLimitedMicros: window.rwndLimitedMicros,
    life: Uint8Array.from({ length }, (_, cell) => lifeOf(window, cell)),
    refused: Uint8Array.from(window.failedConnects, (failed, cell) =>
      failed > 0 && window.synRetrans[cell] === 0 ? 1 : 0,
    ),
    history,
    baselineClass: Uint32Array.from(network.pathClass),
    classes,
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
  return {
    names: constructs.map(({ name }) => name),
    classes: constructs.map(({ kind }) => CLASS_NAMES[kind]),
    limited: Uint8Array.from(constructs, ({ kind }, i) =>
      kind !== 'host' ? 2 : window.limited.has(i) ? 1 : 0,
    ),
    changedSeconds: Float64Array.from(constructs, (_, i) =>
      window.changed.has(i) ? startSeconds - 60 : 0,
    ),
    eligible: new Uint8Array(constructs.length).fill(1),
    alarmed: Uint8Array.from(constructs, ({ name }) => (alarmed.has(name) ? 1 : 0)),
  };
}

function lifeOf(window: SimWindow, cell: number): number {
  const connects = window.connects[cell] ?? 0;
  const failed = window.failedConnects[cell] ?? 0;
  if ((window.delivered[cell] ?? 0) > 0 || connects > failed) return ALIVE;
  const isSilent = connects > 0 && (window.synRetrans[cell] ?? 0) > 0;
  return isSilent || (window.timeouts[cell] ?? 0) > 0 ? DEAD : IDLE;
}
