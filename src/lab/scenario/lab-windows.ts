import type { CellHistory, Cells } from '../../health/cells/cells.ts';
import { ALIVE, DEAD, IDLE } from '../../health/cells/cells.ts';
import type { ConstructClassName } from '../../health/constructs/construct-class.ts';
import type { Constructs } from '../../health/constructs/constructs.ts';
import { PRIOR_LOSS } from '../../health/parameters.ts';
import { CLIENTS, ROUTES, SERVERS, type TransitLab } from './transit-lab.ts';

/** A flow of `GET /api/v1/flows`; the lab's counts are small enough for JSON numbers. */
export type ApiFlow = Readonly<Record<string, string | number>>;

/** The share of a window that goes into a cell's history, 0 to 1, for each channel. */
export interface CellWeights {
  readonly loss: number;
  readonly rtt: number;
  readonly silence: number;
  readonly wait: number;
}

/** The flow of one (client, server, port) in a window, as the agent reported it. */
export interface LabCell {
  readonly client: string;
  readonly server: string;
  readonly port: number;
  readonly flow: ApiFlow;
}

/** The lab's constructs: clients, servers, routes, and the pair of zones. */
const CONSTRUCTS: readonly { readonly name: string; readonly class: ConstructClassName }[] = [
  ...CLIENTS.map((name) => ({ name, class: 'host' }) as const),
  ...SERVERS.map((name) => ({ name, class: 'endpoint' }) as const),
  ...Object.keys(ROUTES).map((name) => ({ name, class: 'link' }) as const),
  { name: 'left>right', class: 'az-pair' },
];
const INDEX = new Map(CONSTRUCTS.map(({ name }, i) => [name, i]));

/** The flows of a time range from the server's API, with the lab's names of their ends. */
export async function labCells(
  lab: TransitLab,
  range: { readonly startMillis: number; readonly endMillis: number },
): Promise<readonly LabCell[]> {
  const [start, end] = [range.startMillis, range.endMillis].map((millis) =>
    encodeURIComponent(new Date(millis).toISOString()),
  );
  const client = await lab.client();
  const target = `/api/v1/flows?limit=1000&start=${start}&end=${end}`;
  const answer = (await client.send({ method: 'GET', target, body: undefined })) as {
    flows: readonly ApiFlow[];
  };
  return answer.flows.flatMap((flow) => {
    const from = lab.nameOf(String(flow.localIp));
    const to = lab.nameOf(String(flow.remoteIp));
    if (from === undefined || to === undefined) return [];
    return [{ client: from, server: to, port: Number(flow.servicePort), flow }];
  });
}

export function value({ flow }: LabCell, member: string): number {
  return Number(flow[member] ?? 0);
}

export function labConstructs(alarmed: ReadonlySet<string>): Constructs {
  const { length } = CONSTRUCTS;
  return {
    names: CONSTRUCTS.map(({ name }) => name),
    classes: CONSTRUCTS.map((construct) => construct.class),
    // 2 is unknown: veth has no allowance counters.
    limited: new Uint8Array(length).fill(2),
    changedSeconds: new Float64Array(length),
    eligible: new Uint8Array(length).fill(1),
    alarmed: Uint8Array.from(CONSTRUCTS, ({ name }) => (alarmed.has(name) ? 1 : 0)),
  };
}

/** The key of a cell, equal in every window. */
export function cellKey({ client, server, port }: LabCell): string {
  return `${client} ${server} ${port}`;
}

/** Converts to the cells of health, with the paths that the lab has configured. */
export function healthCells(cells: readonly LabCell[], histories: CellHistories): Cells {
  const paths = cells.map(({ client, server }) =>
    [client, server, routeTo(server), 'left>right'].map((name) => INDEX.get(name) ?? 0),
  );
  const numbers = (member: string) => Float64Array.from(cells, (cell) => value(cell, member));
  return {
    length: cells.length,
    host: Uint32Array.from(paths, ([host = 0]) => host),
    remote: Uint32Array.from(paths, ([, remote = 0]) => remote),
    pathStart: Uint32Array.from({ length: cells.length + 1 }, (_, i) => i * 4),
    path: Uint32Array.from(paths.flat()),
    segments: numbers('segmentsDelivered'),
    retrans: numbers('retransEst'),
    rttCount: numbers('rttUsCount'),
    rttSum: numbers('rttUsSum'),
    rttMin: numbers('rttUsMin'),
    attempts: Float64Array.from(cells, attemptsOf),
    silent: Float64Array.from(cells, silentOf),
    busyMicros: numbers('busyUs'),
    rwndLimitedMicros: numbers('rwndLimitedUs'),
    life: Uint8Array.from(cells, lifeOf),
    refused: Uint8Array.from(cells, (cell) =>
      value(cell, 'severedConnect') > 0 && value(cell, 'retransSyn') === 0 ? 1 : 0,
    ),
    history: histories.of(cells),
    baselineClass: new Uint32Array(cells.length),
    classes: histories.classes,
  };
}

/** The route to a server. */
export function routeTo(server: string): string {
  const routes: Readonly<Record<string, readonly string[]>> = ROUTES;
  return Object.keys(routes).find((route) => routes[route]?.includes(server)) ?? '';
}

function lifeOf(cell: LabCell): number {
  if (value(cell, 'bytesDelivered') > 0) return ALIVE;
  // A receiver that keeps its window closed still answers.
  const busy = value(cell, 'busyUs');
  if (busy > 0 && 2 * value(cell, 'rwndLimitedUs') >= busy) return ALIVE;
  if (value(cell, 'rtosEst') > 0) return DEAD;
  if (value(cell, 'connectAttempts') === 0 && value(cell, 'rtosSyn') === 0) return IDLE;
  return value(cell, 'retransSyn') > 0 ? DEAD : IDLE;
}

/** Counts a SYN that is retransmitted in this window as an attempt, also if it began before. */
function attemptsOf(cell: LabCell): number {
  return Math.max(value(cell, 'connectAttempts'), value(cell, 'retransSyn') > 0 ? 1 : 0);
}

function silentOf(cell: LabCell): number {
  return Math.min(value(cell, 'retransSyn'), attemptsOf(cell));
}

/** The sums of each cell over the learned windows, by the cell's key. */
export class CellHistories {
  readonly classes = {
    retrans: new Float64Array(1),
    segments: new Float64Array(1),
    attempts: new Float64Array(1),
    silent: new Float64Array(1),
    priorLoss: Float64Array.of(PRIOR_LOSS.INTRA_AZ ?? 0),
  };
  readonly #sums = new Map<string, Record<keyof CellHistory, number>>();

  of(cells: readonly LabCell[]): CellHistory {
    const numbers = (key: keyof CellHistory) =>
      Float64Array.from(cells, (cell) => this.#sums.get(cellKey(cell))?.[key] ?? 0);
    return {
      retrans: numbers('retrans'),
      segments: numbers('segments'),
      rttWeight: numbers('rttWeight'),
      lnRtt: numbers('lnRtt'),
      lnRttSquare: numbers('lnRttSquare'),
      lnRttMin: numbers('lnRttMin'),
      attempts: numbers('attempts'),
      silent: numbers('silent'),
      busyMicros: numbers('busyMicros'),
      rwndLimitedMicros: numbers('rwndLimitedMicros'),
    };
  }

  /** Adds a window; the weights are the probabilities, 0 to 1, that the cell was healthy. */
  learn(cell: LabCell, weights: CellWeights): void {
    const sums = this.#sums.get(cellKey(cell)) ?? {
      retrans: 0,
      segments: 0,
      rttWeight: 0,
      lnRtt: 0,
      lnRttSquare: 0,
      lnRttMin: 0,
      attempts: 0,
      silent: 0,
      busyMicros: 0,
      rwndLimitedMicros: 0,
    };
    this.#sums.set(cellKey(cell), sums);
    const retrans = weights.loss * value(cell, 'retransEst');
    const segments = weights.loss * value(cell, 'segmentsDelivered');
    sums.retrans += retrans;
    sums.segments += segments;
    this.classes.retrans[0] = (this.classes.retrans[0] ?? 0) + retrans;
    this.classes.segments[0] = (this.classes.segments[0] ?? 0) + segments;
    const attempts = weights.silence * attemptsOf(cell);
    const silent = weights.silence * silentOf(cell);
    sums.attempts += attempts;
    sums.silent += silent;
    this.classes.attempts[0] = (this.classes.attempts[0] ?? 0) + attempts;
    this.classes.silent[0] = (this.classes.silent[0] ?? 0) + silent;
    sums.busyMicros += weights.wait * value(cell, 'busyUs');
    sums.rwndLimitedMicros += weights.wait * value(cell, 'rwndLimitedUs');
    const samples = value(cell, 'rttUsCount');
    if (samples === 0) return;
    const ln = Math.log(value(cell, 'rttUsSum') / samples);
    sums.rttWeight += weights.rtt;
    sums.lnRtt += weights.rtt * ln;
    sums.lnRttSquare += weights.rtt * ln * ln;
    sums.lnRttMin += weights.rtt * Math.log(Math.max(1, value(cell, 'rttUsMin')));
  }
}
