/** e.g. `1 host`, `2 hosts`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

export function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))}%`;
}

export function millis(micros: number): string {
  return `${Number((micros / 1000).toPrecision(2))} ms`;
}
