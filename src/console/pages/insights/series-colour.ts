/** Number of `--nfm-series-…` variables in `console.css`, which has values for light and dark. */
const COLOURS = 8;

/** CSS colour of a chart's line. */
export function seriesColour(index: number): string {
  return `var(--nfm-series-${(index % COLOURS) + 1})`;
}
