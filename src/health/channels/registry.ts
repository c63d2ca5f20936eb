import type { FaultChannel } from '../../model/health.ts';
import { type CellColumns, mapRecord } from '../cells/cell-columns.ts';
import type { CellFrame, NumberArrays } from '../cells/cells.ts';
import { WAIT_COLUMNS } from '../cells/stall.ts';
import { PARAMETERS } from '../parameters.ts';
import type { Channel, ChannelEvidence, EvidenceParts, Severity } from './channel.ts';
import { connectChannel } from './connect.ts';
import { deadChannel } from './dead.ts';
import { latencyChannel } from './latency.ts';
import { lossChannel } from './loss.ts';

/** Every channel. Stored detector states hold column numbers, so a new channel comes last. */
export const CHANNELS = {
  loss: lossChannel,
  latency: latencyChannel,
  dead: deadChannel,
  connect: connectChannel,
} as const satisfies Record<FaultChannel, Channel<Cells>>;

/** The evidence of every channel about one window. */
export function openChannels(window: WindowParts) {
  const of = (channel: FaultChannel): EvidenceParts<Cells> => {
    const { values, ...parts } = window;
    return { ...parts, rows: { values, width: WIDTH, first: PLACES[channel].from } };
  };
  return {
    loss: lossChannel.evidence(of('loss')),
    latency: latencyChannel.evidence(of('latency')),
    dead: deadChannel.evidence(of('dead')),
    connect: connectChannel.evidence(of('connect')),
  } satisfies Record<FaultChannel, ChannelEvidence>;
}

/** The columns of every channel, and of waiting receivers, by the name of their weight. */
export const COLUMNS = {
  loss: lossChannel.columns,
  latency: latencyChannel.columns,
  dead: deadChannel.columns,
  connect: connectChannel.columns,
  wait: WAIT_COLUMNS,
} as const satisfies Record<FaultChannel | 'wait', CellColumns>;

export type ChannelEvidences = ReturnType<typeof openChannels>;

interface WindowParts extends Omit<EvidenceParts<Cells>, 'rows'> {
  /** Room for a row of `WIDTH` numbers per cell. */
  readonly values: Float64Array;
}

type Columns = (typeof COLUMNS)[keyof typeof COLUMNS];
type Counts<Set> = Set extends CellColumns<infer Name> ? Name : never;
type History<Set> = Set extends CellColumns<string, infer Name> ? Name : never;
type OfClass<Set> =
  Set extends CellColumns<string, string, infer Sum, infer Constant> ? Sum | Constant : never;

export type CountName = Counts<Columns>;
export type HistoryName = History<Columns>;
export type ClassName = OfClass<Columns>;

/** A window of cells with the columns of every channel. */
export interface Cells extends CellFrame, NumberArrays<CountName> {
  readonly history: NumberArrays<HistoryName>;
  readonly classes: NumberArrays<ClassName>;
}

/** The columns of a channel in a row of evidence: `from` to `to`, `to` excluded. */
export interface Place {
  readonly from: number;
  readonly to: number;
  /** The severity that each of them stands for. */
  readonly severities: readonly Severity[];
}

export const PLACES = places();

/** Numbers in a row of evidence. */
export const WIDTH = Math.max(...Object.values(PLACES).map(({ to }) => to));

function places(): Readonly<Record<FaultChannel, Place>> {
  let to = 0;
  return mapRecord(CHANNELS, ({ severities }): Place => {
    const from = to;
    const each = severities(PARAMETERS);
    to += each.length;
    return { from, to, severities: each };
  });
}
