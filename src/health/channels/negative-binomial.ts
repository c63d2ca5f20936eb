/**
 * ln P(r) of a negative binomial with this mean and overdispersion (variance − mean, above 0),
 * without −ln r!, which all hypotheses about the same r have in common. Counts of independent events
 * are Poisson; counts of events in bursts have this distribution.
 */
export function lnNegativeBinomial(r: number, mean: number, overdispersion: number): number {
  const size = (mean * mean) / overdispersion;
  const variance = mean + overdispersion;
  const none = size * Math.log(mean / variance);
  if (r === 0) return none;
  return none + lnRising(size, r) + r * Math.log(overdispersion / variance);
}

/** A product of this many factors up to 1e30 stays below the greatest double. */
const FACTORS = 8;
const MAX_FACTORS = 64;

/** ln Γ(x + r) − ln Γ(x) for an integer r. A difference of two lgamma would lose its digits. */
export function lnRising(x: number, r: number): number {
  if (r <= MAX_FACTORS && x < 1e30) {
    let sum = 0;
    for (let from = 0; from < r; from += FACTORS) {
      let product = 1;
      for (let i = from; i < Math.min(r, from + FACTORS); i += 1) product *= x + i;
      sum += Math.log(product);
    }
    return sum;
  }
  // Stirling's series is exact to 1e-12 from 16 on. Factors below 16 are multiplied one by one.
  if (x < 16) return lnRising(x, 16) + lnRising(x + 16, r - 16);
  const end = x + r;
  return (x - 0.5) * Math.log1p(r / x) + r * Math.log(end) - r + tail(end) - tail(x);
}

function tail(x: number): number {
  const square = 1 / (x * x);
  return (1 / 12 - square * (1 / 360 - square / 1260)) / x;
}
