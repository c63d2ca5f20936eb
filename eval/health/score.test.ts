import { expect, test } from 'vitest';
import { NetworkBuilder } from '../sim/sim-network.ts';
import { emptyWindow, type SimFault } from '../sim/sim-window.ts';
import { f1, precision, recall, Score } from './score.ts';

/** Two hosts and two cells: one crosses subnets 2 and 3, which cannot be distinguished, and one crosses 4. */
function network() {
  const builder = new NetworkBuilder();
  const [one, other] = ['a', 'b'].map((name) => builder.construct('host', name));
  const [subnet, twin, far] = ['s', 't', 'f'].map((name) => builder.construct('subnet', name));
  builder.cell({
    host: one!,
    remote: other!,
    pathClass: 'x',
    path: [one!, subnet!, twin!, other!],
  });
  builder.cell({ host: other!, remote: one!, pathClass: 'x', path: [other!, far!, one!] });
  return builder.build('two hosts');
}

const lossOf = (construct: number): SimFault => ({
  construct,
  kind: 'loss',
  severity: 0.01,
  share: 1,
});
const blame = (construct: number, more = {}) => ({
  construct,
  isNetwork: true,
  ambiguous: [],
  ...more,
});
const window = (...faults: number[]) => ({
  ...emptyWindow(network(), 0),
  faults: faults.map(lossOf),
});

test('blaming a construct that the same cells cross counts as right', () => {
  const score = new Score();
  score.add('loss', window(2), { blames: [blame(3)], millis: 1 });
  expect(score.total()).toMatchObject({
    faults: 1,
    found: 1,
    blames: 1,
    right: 1,
    wrongWindows: 0,
  });
});

test('wrong and missing blames lower precision and recall', () => {
  const score = new Score();
  score.add('loss', window(2), { blames: [blame(4)], millis: 1 });
  score.add('loss', window(4), { blames: [blame(4)], millis: 1 });
  const total = score.total();
  expect([precision(total), recall(total), f1(total)]).toEqual([0.5, 0.5, 0.5]);
  expect(total.wrongWindows).toBe(1);
});

test('a fault among the ambiguous constructs counts as found in the set, not exactly', () => {
  const score = new Score();
  score.add('loss', window(2), { blames: [blame(4, { ambiguous: [2] })], millis: 1 });
  expect(score.total()).toMatchObject({ found: 0, foundInSet: 1 });
});

test('blaming a host does not count as blaming the network', () => {
  const score = new Score();
  score.add('host', window(0), { blames: [blame(0, { isNetwork: false })], millis: 1 });
  expect(score.total()).toMatchObject({ faults: 0, blames: 0, others: 1, othersNamed: 1 });
});

test('an estimate of twice the true severity is an error of ln 2', () => {
  const score = new Score();
  score.add('loss', window(2), { blames: [blame(2, { severity: 0.02 })], millis: 1 });
  expect(score.severityErrors[0]).toBeCloseTo(Math.log(2));
});
