import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ALLOWANCE_COUNTERS, ALLOWANCE_LEFT, DEVICE_COUNTERS } from '../../model/host-stats.ts';
import type { InterfaceStats, NetworkCard } from '../../model/report.ts';
import { driverStatistics } from '../kernel/ethtool.ts';
import { networkDevices } from './network-devices.ts';

const SYS_CLASS_NET = '/sys/class/net';

/** Counters of a network card since the host started. */
export interface CardCounts {
  readonly name: string;
  /** Its id on EC2, else its name. */
  readonly interfaceId: string;
  readonly counts: Readonly<Record<string, number>>;
  /** The remaining allowance, if the driver reports it. */
  readonly levels: Readonly<Record<string, number>>;
}

export interface HostStatsSources {
  readonly root?: string;
  readonly driver?: typeof driverStatistics;
}

/** The counters of each physical card: drops of a virtual device do not concern the network. */
export function readCards(
  cards: readonly NetworkCard[],
  { root = SYS_CLASS_NET, driver = driverStatistics }: HostStatsSources = {},
): readonly CardCounts[] {
  const ids = new Map(cards.map(({ mac, id }) => [mac, id]));
  return networkDevices(root)
    .filter(({ isPhysical }) => isPhysical)
    .map(({ name, mac }) => {
      const own = driver(name)?.values ?? new Map<string, bigint>();
      const left = own.get(ALLOWANCE_LEFT);
      const allowances = ALLOWANCE_COUNTERS.flatMap((counter) => {
        const value = own.get(counter);
        return value === undefined ? [] : [[counter, Number(value)] as const];
      });
      const device = DEVICE_COUNTERS.flatMap((counter) => {
        const value = readCounter(join(root, name, 'statistics', counter));
        return value === undefined ? [] : [[counter, value] as const];
      });
      return {
        name,
        interfaceId: ids.get(mac) || name,
        counts: Object.fromEntries([...allowances, ...device]),
        levels: left === undefined ? {} : { [ALLOWANCE_LEFT]: Number(left) },
      };
    });
}

/** A counter of sysfs; undefined when its file is missing. */
export function readCounter(path: string): number | undefined {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Gives the growth of the cards' counters since the last reading. A new card has none yet. */
export class HostStatsReader {
  readonly #sources: HostStatsSources;
  #before: ReadonlyMap<string, CardCounts> = new Map();

  constructor(sources: HostStatsSources = {}) {
    this.#sources = sources;
  }

  take(cards: readonly NetworkCard[]): readonly InterfaceStats[] {
    const now = readCards(cards, this.#sources);
    const before = this.#before;
    this.#before = new Map(now.map((card) => [card.name, card]));
    return now.flatMap((card) => {
      const last = before.get(card.name);
      return last === undefined ? [] : [deltasOf(card, last)];
    });
  }
}

function deltasOf({ interfaceId, counts, levels }: CardCounts, last: CardCounts): InterfaceStats {
  const deltas = Object.entries(counts).map(([name, value]) => {
    const since = value - (last.counts[name] ?? value);
    // The counters of a reloaded driver begin at 0.
    return [name, since < 0 ? value : since] as const;
  });
  return { interfaceId, values: { ...Object.fromEntries(deltas), ...levels } };
}
