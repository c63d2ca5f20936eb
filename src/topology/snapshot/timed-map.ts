import { isValidAt, type Validity } from '../graph/validity.ts';

interface Timed<Value> extends Validity {
  readonly value: Value;
  toSeconds: number;
}

/** Values by key and time. Of several valid at one time, the one that began last applies. */
export class TimedMap<Value> {
  readonly #entries = new Map<string, Timed<Value>[]>();

  add(key: string, { value, fromSeconds, toSeconds }: Readonly<Timed<Value>>): void {
    const entry = { value, fromSeconds, toSeconds };
    const entries = this.#entries.get(key);
    const last = entries?.at(-1);
    if (entries === undefined || last === undefined) {
      this.#entries.set(key, [entry]);
    } else if (last.value === value && last.toSeconds === fromSeconds) {
      last.toSeconds = toSeconds;
    } else {
      entries.splice(entries.findLastIndex((other) => isBefore(other, entry)) + 1, 0, entry);
    }
  }

  at(key: string, timeSeconds: number): Value | undefined {
    const entries = this.#entries.get(key);
    if (entries === undefined) return undefined;
    for (let i = entries.length - 1; i >= 0; i -= 1) {
      const entry = entries[i] as Timed<Value>;
      if (isValidAt(entry, timeSeconds)) return entry.value;
    }
    return undefined;
  }
}

function isBefore(a: Timed<unknown>, b: Timed<unknown>): boolean {
  return a.fromSeconds <= b.fromSeconds;
}
