import { expect, test } from 'vitest';
import { lnNegativeBinomial } from './negative-binomial.ts';

function lnFactorial(n: number): number {
  let sum = 0;
  for (let i = 2; i <= n; i += 1) sum += Math.log(i);
  return sum;
}

test.each([
  { mean: 0.03, overdispersion: 0.02, max: 60 },
  { mean: 12, overdispersion: 90, max: 3_000 },
  { mean: 400, overdispersion: 250, max: 4_000 },
])(
  'probabilities of mean $mean add up to 1 and have that mean',
  ({ mean, overdispersion, max }) => {
    let total = 0;
    let average = 0;
    for (let r = 0; r <= max; r += 1) {
      const probability = Math.exp(lnNegativeBinomial(r, mean, overdispersion) - lnFactorial(r));
      total += probability;
      average += r * probability;
    }
    expect(total).toBeCloseTo(1, 8);
    expect(average / mean).toBeCloseTo(1, 6);
  },
);

test('the product and the series agree where one takes over from the other', () => {
  for (const size of [0.01, 3, 15.9, 16.1, 1e6, 1e12]) {
    // The size of the distribution is mean² / overdispersion.
    const at = (r: number) => lnNegativeBinomial(r, size, size);
    const ratio = (r: number) => at(r + 1) - at(r) - Math.log(size + r);
    expect(ratio(64)).toBeCloseTo(ratio(63), 6);
  }
});

test('no segment gives NaN', () => {
  expect(lnNegativeBinomial(0, 0, 0)).toBeNaN();
});
