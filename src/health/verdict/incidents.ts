import type {
  HealthConstruct,
  Incident,
  IncidentEvent,
  IncidentFlow,
  VerdictKind,
} from '../../model/health.ts';
import { isoTime } from '../iso-time.ts';
import type { Parameters } from '../parameters.ts';

/** A window's finding about a construct under alarm. */
export interface AlarmReport {
  readonly construct: HealthConstruct;
  /** Constructs that explain the evidence as well. */
  readonly ambiguousWith: readonly HealthConstruct[];
  readonly kind: VerdictKind;
  readonly setsIndicator: boolean;
  readonly size: number;
  readonly sentence: string;
  readonly monitors: readonly string[];
  readonly flows: readonly IncidentFlow[];
}

export interface IncidentWindow {
  readonly endSeconds: number;
  readonly newId: () => string;
  /** One for each construct whose alarm has evidence in this window. */
  readonly reports: readonly AlarmReport[];
  /** All constructs under alarm, including those without cells in this window. */
  readonly alarmed: readonly HealthConstruct[];
}

/** An incident, and the size of its fault in the last event of the timeline. */
export interface KeptIncident extends Incident {
  readonly lastSize: number;
}

const MAX_EVENTS = 100;
/** A size that changes by this factor is an event of the timeline. */
const EVENT_FACTOR = 2;

/**
 * Updates the incidents after a window, and returns those that changed. An alarm joins an open
 * incident that is ambiguous with it. Otherwise it reopens its last incident if that closed within
 * `flapSeconds`, or opens a new one. An incident that is reopened often enough is flapping. An
 * incident closes when all of its alarms have ended. Pure.
 *
 * @param recent the open incidents, and those closed within `flapSeconds`
 */
export function updateIncidents(
  recent: readonly KeptIncident[],
  window: IncidentWindow,
  p: Parameters,
): KeptIncident[] {
  const incidents = new Map(recent.map((incident) => [incident.incidentId, incident]));
  const changed = new Set<string>();
  const put = (incident: KeptIncident) => {
    incidents.set(incident.incidentId, incident);
    changed.add(incident.incidentId);
  };
  for (const report of window.reports) {
    const open = [...incidents.values()].filter(isOpen);
    const own = open.find(({ constructs }) => has(constructs, report.construct));
    if (own !== undefined) {
      const next = updated(own, report, window);
      if (next !== own) put(next);
      continue;
    }
    const same = open.find(({ constructs }) => isOneOf(constructs, report));
    if (same !== undefined) {
      put(joined(same, report, window));
      continue;
    }
    const last = [...incidents.values()].find(({ constructs }) =>
      has(constructs, report.construct),
    );
    put(last === undefined ? opened(report, window) : again(last, { report, window, p }));
  }
  for (const incident of [...incidents.values()].filter(isOpen)) {
    const goesOn = incident.constructs.some((construct) => has(window.alarmed, construct));
    if (!goesOn) put(closed(incident, window));
  }
  return [...incidents.values()].filter(({ incidentId }) => changed.has(incidentId));
}

function isOpen({ closedAt }: Incident): boolean {
  return closedAt === undefined;
}

function isOneOf(constructs: readonly HealthConstruct[], report: AlarmReport): boolean {
  return report.ambiguousWith.some((other) => has(constructs, other));
}

function opened(report: AlarmReport, window: IncidentWindow): KeptIncident {
  const { construct, kind, setsIndicator, size, sentence, monitors, flows } = report;
  const openedAt = isoTime(window.endSeconds);
  return {
    incidentId: window.newId(),
    kind,
    constructs: [construct],
    setsIndicator,
    openedAt,
    isFlapping: false,
    monitors,
    timeline: [{ at: openedAt, what: 'opened', sentence }],
    flows,
    lastSize: size,
  };
}

function again(
  incident: KeptIncident,
  { report, window, p }: { report: AlarmReport; window: IncidentWindow; p: Parameters },
): KeptIncident {
  const { closedAt: _, ...rest } = incident;
  const timeline = withEvent(incident, { what: 'again', sentence: report.sentence }, window);
  const since = isoTime(window.endSeconds - p.flapSeconds);
  const starts = timeline.filter(
    ({ what, at }) => (what === 'opened' || what === 'again') && at >= since,
  );
  const isFlapping = incident.isFlapping || starts.length >= p.flapCount;
  return { ...rest, timeline, isFlapping, flows: report.flows, lastSize: report.size };
}

function joined(incident: KeptIncident, report: AlarmReport, window: IncidentWindow): KeptIncident {
  return {
    ...incident,
    constructs: [...incident.constructs, report.construct],
    monitors: union(incident.monitors, report.monitors),
    timeline: withEvent(incident, { what: 'also', sentence: report.sentence }, window),
  };
}

/** Returns the same object if nothing has changed. */
function updated(
  incident: KeptIncident,
  report: AlarmReport,
  window: IncidentWindow,
): KeptIncident {
  const monitors = union(incident.monitors, report.monitors);
  const ratio = report.size / incident.lastSize;
  const isMoved = ratio >= EVENT_FACTOR || ratio <= 1 / EVENT_FACTOR;
  const isOther = report.kind !== incident.kind || report.setsIndicator !== incident.setsIndicator;
  const isWider = monitors.length > incident.monitors.length;
  if (!isMoved && !isOther && !isWider) return incident;
  return {
    ...incident,
    kind: report.kind,
    setsIndicator: incident.setsIndicator || report.setsIndicator,
    monitors,
    flows: report.flows.length > 0 ? report.flows : incident.flows,
    timeline: withEvent(incident, { what: 'changed', sentence: report.sentence }, window),
    lastSize: report.size,
  };
}

function closed(incident: KeptIncident, window: IncidentWindow): KeptIncident {
  const sentence = 'Its flows are as they were before.';
  return {
    ...incident,
    closedAt: isoTime(window.endSeconds),
    timeline: withEvent(incident, { what: 'closed', sentence }, window),
  };
}

/** Keeps the first event and the latest others. */
function withEvent(
  { timeline }: Incident,
  event: Omit<IncidentEvent, 'at'>,
  { endSeconds }: IncidentWindow,
): IncidentEvent[] {
  const [first, ...rest] = [...timeline, { at: isoTime(endSeconds), ...event }];
  return first === undefined ? [] : [first, ...rest.slice(-(MAX_EVENTS - 1))];
}

function has(constructs: readonly HealthConstruct[], wanted: HealthConstruct): boolean {
  return constructs.some((each) => each.id === wanted.id && each.class === wanted.class);
}

function union(one: readonly string[], other: readonly string[]): string[] {
  return [...new Set([...one, ...other])];
}
