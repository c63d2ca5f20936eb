import type { HealthTables } from '../../health/storage/health-tables.ts';
import { ApiError } from '../../model/api-error.ts';
import { monitorArn } from '../../model/arn.ts';
import type { HealthExplanation } from '../../model/health.ts';
import type { Monitor } from '../../model/monitor.ts';
import type { Owner } from '../../model/owner.ts';
import { type ExtensionCall, type ExtensionRoute, jsonAnswer } from './extension-route.ts';
import { QueryParameters } from './query-parameters.ts';

export interface HealthRouteDeps {
  readonly health: Pick<
    HealthTables,
    'latest' | 'minutes' | 'explanationAt' | 'constructs' | 'incidents'
  >;
  /** What was said at a time, computed again from what it was judged by; undefined when that is not kept. */
  readonly judgeAgain: (
    owner: Owner,
    monitorName: string,
    atSeconds: number,
  ) => Promise<HealthExplanation | undefined>;
  readonly monitors: {
    /** @throws ApiError ResourceNotFoundException */
    get(owner: Owner, monitorName: string): Promise<Monitor>;
  };
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** A monitor whose minutes have stopped for longer has no status. */
const LATEST_SECONDS = 600;

/** `GET /api/v1/health/…`: what is wrong, who it is, since when, and how it is known. */
export function healthRoutes(deps: HealthRouteDeps): readonly ExtensionRoute[] {
  const ofMonitor = ({ principal, labels }: ExtensionCall) =>
    monitorArn(principal, labels.monitorName ?? '');
  const get = (
    path: string,
    rest: Pick<ExtensionRoute, 'action' | 'answer' | 'resource'>,
  ): ExtensionRoute => ({
    method: 'GET',
    path: `/api/v1/health/${path}`,
    ...rest,
  });
  return [
    get('status', { action: 'nfm:GetHealthStatus', answer: (call) => status(deps, call) }),
    get('constructs', {
      action: 'nfm:ListHealthConstructs',
      answer: (call) => constructs(deps, call),
    }),
    get('incidents', {
      action: 'nfm:ListHealthIncidents',
      answer: (call) => incidents(deps, call),
    }),
    get('monitors/{monitorName}/minutes', {
      action: 'nfm:ListHealthMinutes',
      resource: ofMonitor,
      answer: (call) => minutes(deps, call),
    }),
    get('monitors/{monitorName}/explanation', {
      action: 'nfm:ExplainHealth',
      resource: ofMonitor,
      answer: (call) => explanation(deps, call),
    }),
  ];
}

/** Each monitor's latest minute, with its sentence. */
async function status({ health, now }: HealthRouteDeps, { request, principal }: ExtensionCall) {
  new QueryParameters(request, []);
  const since = Math.floor(now() / 1000) - LATEST_SECONDS;
  return jsonAnswer({ monitors: await health.latest(principal, since) });
}

/** What the last window says of each construct, those with most evidence of a fault first. */
async function constructs({ health }: HealthRouteDeps, { request, principal }: ExtensionCall) {
  new QueryParameters(request, []);
  return jsonAnswer({ constructs: await health.constructs(principal) });
}

/** Incidents that went on at any time of the range, the newest first. */
async function incidents({ health, now }: HealthRouteDeps, { request, principal }: ExtensionCall) {
  const range = new QueryParameters(request, ['start', 'end']).range(now());
  const found = await health.incidents(principal, range);
  return jsonAnswer({ incidents: found.map(({ lastSize: _, ...incident }) => incident) });
}

async function minutes(deps: HealthRouteDeps, { request, principal, labels }: ExtensionCall) {
  const range = new QueryParameters(request, ['start', 'end']).range(deps.now());
  const { monitorName } = await deps.monitors.get(principal, labels.monitorName ?? '');
  return jsonAnswer({ minutes: await deps.health.minutes(principal, monitorName, range) });
}

/**
 * The worst window of the minute at `at`, or of the latest one before; the default is now. With `again`
 * it is computed again.
 */
async function explanation(deps: HealthRouteDeps, { request, principal, labels }: ExtensionCall) {
  const parameters = new QueryParameters(request, ['at', 'again']);
  const at = parameters.time('at') ?? Math.floor(deps.now() / 1000);
  const isAgain = parameters.choice('again', ['true', 'false']) === 'true';
  const { monitorName } = await deps.monitors.get(principal, labels.monitorName ?? '');
  const found = await deps.health.explanationAt(principal, monitorName, at);
  if (found !== undefined && !isAgain) return jsonAnswer(found);
  const again = found && (await deps.judgeAgain(principal, monitorName, at));
  if (again !== undefined) return jsonAnswer(again);
  if (found !== undefined) {
    throw new ApiError(
      'ResourceNotFoundException',
      'What that minute was judged by is not kept: nothing scored and so nothing was searched for, or it is past retention',
    );
  }
  throw new ApiError(
    'ResourceNotFoundException',
    `Monitor ${monitorName} has not been judged by then; its first minute takes about a minute`,
  );
}
