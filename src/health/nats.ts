/** ln(e^a + e^b). */
export function lnAdd(a: number, b: number): number {
  const max = Math.max(a, b);
  return max === Number.NEGATIVE_INFINITY ? max : max + Math.log1p(Math.exp(-Math.abs(a - b)));
}

/** ln of the mean of e^x over the indexes `from` to `to`, `to` excluded. */
export function lnMeanExp(values: Float64Array, from: number, to: number): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let k = from; k < to; k += 1) max = Math.max(max, values[k] ?? 0);
  let sum = 0;
  for (let k = from; k < to; k += 1) sum += Math.exp((values[k] ?? 0) - max);
  return max + Math.log(sum / (to - from));
}

export function lnOdds(probability: number): number {
  return Math.log(probability / (1 - probability));
}

/** Limits evidence to ±`max`. */
export function clip(nats: number, max: number): number {
  return Math.min(max, Math.max(-max, nats));
}
