import { mapRecord } from '../cells/cell-columns.ts';
import { waitWeights } from '../cells/stall.ts';
import type { ChannelEvidence } from '../channels/channel.ts';
import { COUNTS, HISTORY } from '../evidence/columns.ts';
import type { Inference } from './infer.ts';

type Arrays = Readonly<Record<string, Float64Array | undefined>>;

/**
 * Adds a window to the history of its cells and of their classes, in place. The lab and the
 * simulations use it; a server does the same in ClickHouse, see `CellHistory`.
 */
export function learnWindow({ faults, evidence }: Inference): void {
  const { cells, p } = evidence;
  const faulty = new Set(faults.flatMap(({ construct }) => [...evidence.cellsOf(construct)]));
  const weights: Arrays = {
    ...mapRecord(evidence.of, ({ weight }: ChannelEvidence) =>
      weight?.map((healthy, i) => (faulty.has(i) ? 0 : healthy)),
    ),
    wait: waitWeights(evidence.stalled, p),
  };
  const counts: Arrays = mapRecord(COUNTS, (_, name) => cells[name]);
  const classes: Arrays = cells.classes;
  let i = 0;
  const countOf = (count: string) => counts[count]?.[i] ?? 0;
  mapRecord(HISTORY, ({ weight: channel, amount, isOfClass }, name) => {
    const weight = weights[channel];
    for (i = 0; i < cells.length; i += 1) {
      const healthy = weight?.[i] ?? 0;
      if (!(healthy > 0)) continue;
      const added = healthy * amount(countOf);
      add(cells.history[name], i, added);
      if (isOfClass) add(classes[name], cells.baselineClass[i] ?? 0, added);
    }
  });
}

function add(sums: Float64Array | undefined, index: number, value: number): void {
  if (sums !== undefined) sums[index] = (sums[index] ?? 0) + value;
}
