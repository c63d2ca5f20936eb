import { mapRecord } from '../../health/cells/cell-columns.ts';
import { IDLE, isRefused, type LifeCounts, lifeOf } from '../../health/cells/life.ts';
import type { Cells, HistoryName } from '../../health/channels/registry.ts';
import type { ConstructClassName } from '../../health/constructs/construct-class.ts';
import { buildConstructs, type Constructs } from '../../health/constructs/constructs.ts';
import { buildCells, compressPaths, emptyClasses } from '../../health/evidence/build-cells.ts';
import { HISTORY } from '../../health/evidence/columns.ts';
import { PARAMETERS, PRIOR_LOSS } from '../../health/parameters.ts';
import { CLIENTS, ROUTES, SERVERS, type TransitLab } from './transit-lab.ts';

/** A flow of `GET /api/v1/flows`; the lab's counts are small enough for JSON numbers. */
export type ApiFlow = Readonly<Record<string, string | number>>;

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
  // Limits are unknown: veth has no allowance counters.
  return buildConstructs({
    names: CONSTRUCTS.map(({ name }) => name),
    classes: CONSTRUCTS.map((construct) => construct.class),
    alarmed,
  });
}

/** The key of a cell, equal in every window. */
export function cellKey({ client, server, port }: LabCell): string {
  return `${client} ${server} ${port}`;
}

/** Converts to the cells of health, with the paths that the lab has configured. */
export function healthCells(observed: readonly LabCell[], histories: CellHistories): Cells {
  const numbers = (read: (cell: LabCell) => number) => Float64Array.from(observed, read);
  const member = (name: string) => numbers((cell) => value(cell, name));
  const counts = observed.map(lifeCounts);
  const lives = counts.map((cell) => lifeOf(cell, PARAMETERS));
  const refused = counts.map(isRefused);
  return buildCells({
    paths: compressPaths(
      observed.map(({ client, server }) =>
        [client, server, routeTo(server), 'left>right'].map((name) => INDEX.get(name) ?? 0),
      ),
    ),
    counts: {
      segments: member('segmentsDelivered'),
      retrans: member('retransEst'),
      rttCount: member('rttUsCount'),
      rttSum: member('rttUsSum'),
      rttMin: member('rttUsMin'),
      attempts: numbers(attemptsOf),
      silent: numbers(silentOf),
      busyMicros: member('busyUs'),
      rwndLimitedMicros: member('rwndLimitedUs'),
    },
    life: (i) => lives[i] ?? IDLE,
    isRefused: (i) => refused[i] ?? false,
    history: histories.of(observed),
    classes: histories.classes,
  });
}

/** The route to a server. */
export function routeTo(server: string): string {
  const routes: Readonly<Record<string, readonly string[]>> = ROUTES;
  return Object.keys(routes).find((route) => routes[route]?.includes(server)) ?? '';
}

function lifeCounts(cell: LabCell): LifeCounts {
  return {
    bytesDelivered: value(cell, 'bytesDelivered'),
    segments: value(cell, 'segmentsDelivered'),
    timeouts: value(cell, 'rtosEst'),
    attempts: attemptsOf(cell),
    connected: value(cell, 'connectUsCount'),
    synsAgain: value(cell, 'retransSyn'),
    failed: value(cell, 'severedConnect'),
    busyMicros: value(cell, 'busyUs'),
    rwndLimitedMicros: value(cell, 'rwndLimitedUs'),
  };
}

/** The attempts of a window. A SYN that is only retransmitted in this window counts as one, too. */
function attemptsOf(cell: LabCell): number {
  return Math.max(value(cell, 'connectAttempts'), value(cell, 'retransSyn') > 0 ? 1 : 0);
}

function silentOf(cell: LabCell): number {
  return Math.min(value(cell, 'retransSyn'), attemptsOf(cell));
}

/**
 * The history of every cell, by the cell's key. A window leaves out the cells that sent nothing, so
 * their history is kept here.
 */
export class CellHistories {
  /** All cells are of one class. */
  readonly classes = emptyClasses([PRIOR_LOSS.INTRA_AZ ?? 0]);
  readonly #sums = new Map<string, Readonly<Record<HistoryName, number>>>();

  of(observed: readonly LabCell[]): Readonly<Record<HistoryName, (cell: number) => number>> {
    const sums = observed.map((cell) => this.#sums.get(cellKey(cell)));
    return mapRecord(HISTORY, (_, name) => (i: number) => sums[i]?.[name] ?? 0);
  }

  /** Keeps the history of a window's cells, after the window was added to it. */
  keep(observed: readonly LabCell[], { history }: Cells): void {
    for (const [i, cell] of observed.entries()) {
      this.#sums.set(
        cellKey(cell),
        mapRecord(history, (sums) => sums[i] ?? 0),
      );
    }
  }
}
