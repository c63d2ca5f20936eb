/** A share of 1 as a percentage with two significant digits; `-` when it is not known. */
export function formatPercent(share: number | undefined): string {
  return share === undefined ? '-' : `${Number((share * 100).toPrecision(2))}%`;
}
