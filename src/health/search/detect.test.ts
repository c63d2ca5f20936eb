import { expect, test } from 'vitest';
import { type CellParts, windowOf } from '../evidence/testing.ts';
import { PARAMETERS } from '../parameters.ts';
import { type DetectorState, detect, followsLoad, NOTHING_DETECTED } from './detect.ts';
import { infer } from './infer.ts';

/** Four hosts, each with cells through link `x` and through link `y`. */
function cells(retransOf: (link: string) => number): CellParts[] {
  return ['x', 'y'].flatMap((link) =>
    ['h1', 'h2', 'h3', 'h4'].flatMap((host) =>
      [1, 2, 3].map((remote) => ({
        host,
        remote: `${link}${remote}`,
        through: [`link:${link}`],
        retrans: retransOf(link),
      })),
    ),
  );
}

class Watch {
  state: DetectorState = NOTHING_DETECTED;
  endSeconds = 0;

  see(parts: readonly CellParts[]) {
    const { cells: window, constructs } = windowOf(parts);
    const alarmed = new Set(this.state.alarms.map(({ construct }) => construct));
    const known = {
      ...constructs,
      alarmed: Uint8Array.from(constructs.names, (name) => Number(alarmed.has(name))),
    };
    this.endSeconds += 30;
    const seen = {
      inference: infer(window, known, PARAMETERS),
      constructs: known,
      endSeconds: this.endSeconds,
      windowSeconds: 30,
    };
    const detection = detect(this.state, seen, PARAMETERS);
    this.state = JSON.parse(JSON.stringify(detection.state)) as DetectorState;
    const names = (alarms: DetectorState['alarms']) => alarms.map(({ construct }) => construct);
    return {
      opened: names(detection.opened),
      closed: names(detection.closed),
      alarms: names(this.state.alarms),
    };
  }
}

const lossy = (retrans: number) => cells((link) => (link === 'x' ? retrans : 0));

test('a strong fault alarms in its first window, and ends two windows after its repair', () => {
  const watch = new Watch();
  expect(watch.see(lossy(0)).alarms).toEqual([]);
  expect(watch.see(lossy(20)).opened).toEqual(['link:x']);
  expect(watch.see(lossy(20)).alarms).toEqual(['link:x']);
  expect(watch.see(lossy(0)).alarms).toEqual(['link:x']);
  expect(watch.see(lossy(0)).closed).toEqual(['link:x']);
  expect(watch.see(lossy(0)).alarms).toEqual([]);
});

test('the evidence of a weak fault adds up until it alarms', () => {
  const watch = new Watch();
  const seen: string[][] = [];
  // One retransmission in two of three cells is a loss of about 0.06%.
  const weak = cells((link) => (link === 'x' ? 1 : 0)).map((cell, i) =>
    i % 3 === 0 ? { ...cell, retrans: 0 } : cell,
  );
  for (let i = 0; i < 12; i += 1) seen.push(watch.see(weak).alarms);
  expect(seen[0]).toEqual([]);
  expect(seen.at(-1)).toEqual(['link:x']);
});

test('an application that is sick for hours does not convict a construct that few others traverse', () => {
  const watch = new Watch();
  // One of six cells through x loses 5% in every window; the others send almost nothing.
  const sick = lossy(0)
    .filter(({ remote, host }) => remote !== 'x3' && (host < 'h4' || remote.startsWith('y')))
    .map((cell) => {
      if (cell.host === 'h1' && cell.remote === 'x1') return { ...cell, retrans: 50 };
      return cell.remote.startsWith('x') ? { ...cell, segments: 5 } : cell;
    });
  for (let i = 0; i < 100; i += 1) expect(watch.see(sick).alarms).toEqual([]);
});

test('an alarm without further cells ends by itself', () => {
  const watch = new Watch();
  watch.see(lossy(20));
  const others = lossy(0).filter(({ remote }) => remote.startsWith('y'));
  let windows = 0;
  while (watch.see(others).closed.length === 0) windows += 1;
  expect(windows * 30).toBeLessThan(PARAMETERS.silentSeconds + 60);
  expect(windows).toBeGreaterThan(10);
});

test('a sick host alarms in its first window', () => {
  const watch = new Watch();
  const sick = cells(() => 0).map((cell) => (cell.host === 'h2' ? { ...cell, retrans: 40 } : cell));
  expect(watch.see(sick).opened).toEqual(['host:h2']);
});

test('excess follows the load if both rise and fall together', () => {
  const windows = Array.from({ length: 20 }, (_, i) => 1_000 + 500 * Math.sin(i));
  const rising = windows.map((segments) => [segments, segments * segments * 1e-6] as const);
  const steady = windows.map(
    (segments, i) => [segments, segments * (0.01 + 0.001 * Math.cos(2 * i))] as const,
  );
  expect(followsLoad({ load: rising }, PARAMETERS)).toBe(true);
  expect(followsLoad({ load: steady }, PARAMETERS)).toBe(false);
  expect(followsLoad({ load: rising.slice(0, 5) }, PARAMETERS)).toBe(false);
});
