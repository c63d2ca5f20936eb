import { expect, test } from 'vitest';
import type { HealthConstruct } from '../../model/health.ts';
import { PARAMETERS } from '../parameters.ts';
import { type AlarmReport, type KeptIncident, updateIncidents } from './incidents.ts';

const link = (id: string): HealthConstruct => ({ id, class: 'link' });

function reportOf(id: string, parts: Partial<AlarmReport> = {}): AlarmReport {
  return {
    construct: link(id),
    ambiguousWith: [],
    kind: 'network',
    setsIndicator: true,
    size: 0.02,
    sentence: `flows through link ${id} lose 2%.`,
    monitors: ['web'],
    flows: [],
    ...parts,
  };
}

/** Updates incidents window by window, one minute apart. */
class Book {
  readonly all = new Map<string, KeptIncident>();
  #seconds = 0;
  #ids = 0;

  see(reports: readonly AlarmReport[], alarmed = reports.map(({ construct }) => construct)) {
    this.#seconds += 60;
    const window = {
      endSeconds: this.#seconds,
      newId: () => {
        this.#ids += 1;
        return `incident-${this.#ids}`;
      },
      reports,
      alarmed,
    };
    const changed = updateIncidents([...this.all.values()], window, PARAMETERS);
    for (const incident of changed) this.all.set(incident.incidentId, incident);
    return changed.length;
  }

  get list() {
    return [...this.all.values()];
  }
}

test('an incident opens once, has no event while nothing changes, and closes with its alarm', () => {
  const book = new Book();
  expect(book.see([reportOf('x')])).toBe(1);
  expect(book.see([reportOf('x')])).toBe(0);
  expect(book.see([], [link('x')])).toBe(0);
  expect(book.see([])).toBe(1);
  expect(book.list).toMatchObject([
    { constructs: [link('x')], closedAt: '1970-01-01T00:04:00.000Z', isFlapping: false },
  ]);
  expect(book.list[0]?.timeline.map(({ what }) => what)).toEqual(['opened', 'closed']);
});

test('a doubled severity and an additional monitor are events of the timeline', () => {
  const book = new Book();
  book.see([reportOf('x')]);
  book.see([reportOf('x', { size: 0.05 })]);
  book.see([reportOf('x', { size: 0.05, monitors: ['shop'] })]);
  expect(book.list[0]?.timeline.map(({ what }) => what)).toEqual(['opened', 'changed', 'changed']);
  expect(book.list[0]?.monitors).toEqual(['web', 'shop']);
});

test('an ambiguous construct joins the incident, which closes when both alarms have ended', () => {
  const book = new Book();
  book.see([reportOf('x')]);
  book.see([reportOf('y', { ambiguousWith: [link('x')] })], [link('x'), link('y')]);
  expect(book.list).toHaveLength(1);
  expect(book.list[0]?.constructs).toEqual([link('x'), link('y')]);
  book.see([], [link('y')]);
  expect(book.list[0]?.closedAt).toBeUndefined();
  book.see([]);
  expect(book.list[0]?.closedAt).toBeDefined();
});

test('two faults at once are two incidents', () => {
  const book = new Book();
  book.see([reportOf('x'), reportOf('y')]);
  expect(book.list.map(({ constructs }) => constructs[0]?.id)).toEqual(['x', 'y']);
});

test('a link that goes on and off is one incident, and flapping', () => {
  const book = new Book();
  for (let i = 0; i < 3; i += 1) {
    book.see([reportOf('x')]);
    book.see([]);
  }
  expect(book.list).toHaveLength(1);
  expect(book.list[0]).toMatchObject({ isFlapping: true });
  expect(book.list[0]?.timeline.map(({ what }) => what)).toEqual([
    ...['opened', 'closed', 'again', 'closed', 'again', 'closed'],
  ]);
});

test('a timeline keeps its first event and has a limit', () => {
  const book = new Book();
  for (let i = 0; i < 300; i += 1) book.see([reportOf('x', { size: i % 2 === 0 ? 0.01 : 0.1 })]);
  expect(book.list[0]?.timeline).toHaveLength(100);
  expect(book.list[0]?.timeline[0]?.what).toBe('opened');
});
