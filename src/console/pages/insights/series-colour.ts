/** Told apart in light and dark, also without red-green sight; `console.css` says the values. */
const COLOURS = 8;

/** The colour of the nth line of a chart, as CSS. */
export function seriesColour(index: number): string {
  return `var(--nfm-series-${(index % COLOURS) + 1})`;
}
