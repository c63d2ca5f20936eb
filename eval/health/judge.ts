import type { Case } from './cloud-cases.ts';
import type { Detector, MakeDetector } from './detector.ts';
import { Score } from './score.ts';

/** A method and its results so far. */
export interface Contestant {
  readonly make: MakeDetector;
  readonly score: Score;
}

export function contestant(make: MakeDetector): Contestant {
  return { make, score: new Score() };
}

/** Runs all methods on the same windows of one network and adds up their scores. */
export function judgeAll(cases: Iterable<Case>, contestants: readonly Contestant[]): void {
  const detectors = contestants.map(({ make, score }) => ({ detector: make(), score }));
  for (const { name, window } of cases) {
    for (const { detector, score } of detectors) {
      if (name === 'history') detector.learn(window);
      else score.add(name, window, timed(detector, window));
    }
  }
}

function timed(detector: Detector, window: Case['window']) {
  const started = performance.now();
  const blames = detector.judge(window);
  return { blames, millis: performance.now() - started };
}
