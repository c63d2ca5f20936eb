import type { Monitors } from '../../control/monitors.ts';
import type { HealthTables } from '../../health/storage/health-tables.ts';
import { ApiError } from '../../model/api-error.ts';
import { monitorArn } from '../../model/arn.ts';
import type { HealthExplanation } from '../../model/health.ts';
import type { Owner } from '../../model/owner.ts';
import { jsonAnswer } from '../json-answer.ts';
import { type ExtensionCall, type ExtensionRoute, labelOf } from './extension-route.ts';
import { QueryParameters } from './query-parameters.ts';

export interface HealthRouteDeps {
  readonly health: Pick<
    HealthTables,
    'latest' | 'minutes' | 'explanationAt' | 'constructs' | 'incidents'
  >;
  /** Judges a past minute again from its stored evidence; undefined if that is not stored. */
  readonly judgeAgain: (
    owner: Owner,
    monitorName: string,
    atSeconds: number,
  ) => Promise<HealthExplanation | undefined>;
  readonly monitors: Pick<Monitors, 'get'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** A monitor whose latest judged minute is older has no status. */
const LATEST_SECONDS = 600;

type Answer = (deps: HealthRouteDeps, call: ExtensionCall) => Promise<object>;

/** `/api/v1/health/…`: the state of each monitor, its incidents and the evidence for them. */
export function healthRoutes(deps: HealthRouteDeps): readonly ExtensionRoute[] {
  const get = (path: string, action: ExtensionRoute['action'], answer: Answer): ExtensionRoute => ({
    method: 'GET',
    path: `/api/v1/health/${path}`,
    action,
    answer: async (call) => jsonAnswer(await answer(deps, call)),
  });
  const resource = (call: ExtensionCall) =>
    monitorArn(call.principal, labelOf(call, 'monitorName'));
  return [
    get('status', 'nfm:GetHealthStatus', status),
    get('constructs', 'nfm:ListHealthConstructs', constructs),
    get('incidents', 'nfm:ListHealthIncidents', incidents),
    { ...get('monitors/{monitorName}/minutes', 'nfm:ListHealthMinutes', minutes), resource },
    { ...get('monitors/{monitorName}/explanation', 'nfm:ExplainHealth', explanation), resource },
  ];
}

/** The latest judged minute of each monitor. */
async function status({ health, now }: HealthRouteDeps, { request, principal }: ExtensionCall) {
  new QueryParameters(request, []);
  const since = Math.floor(now() / 1000) - LATEST_SECONDS;
  return { monitors: await health.latest(principal, since) };
}

/** The state of each construct in the latest window, strongest evidence of a fault first. */
async function constructs({ health }: HealthRouteDeps, { request, principal }: ExtensionCall) {
  new QueryParameters(request, []);
  return { constructs: await health.constructs(principal) };
}

/** Incidents that overlap the range, newest first. */
async function incidents({ health, now }: HealthRouteDeps, { request, principal }: ExtensionCall) {
  const range = new QueryParameters(request, ['start', 'end']).range(now());
  const found = await health.incidents(principal, range);
  return { incidents: found.map(({ lastSize: _, ...incident }) => incident) };
}

async function minutes(deps: HealthRouteDeps, call: ExtensionCall) {
  const { request, principal } = call;
  const range = new QueryParameters(request, ['start', 'end']).range(deps.now());
  const { monitorName } = await deps.monitors.get(principal, labelOf(call, 'monitorName'));
  return { minutes: await deps.health.minutes(principal, monitorName, range) };
}

/**
 * The worst window of the minute that `at` lies in, or of the latest judged minute before it;
 * `at` defaults to now. With `again=true` the window is judged again.
 */
async function explanation(deps: HealthRouteDeps, call: ExtensionCall) {
  const { request, principal } = call;
  const parameters = new QueryParameters(request, ['at', 'again']);
  const at = parameters.time('at') ?? Math.floor(deps.now() / 1000);
  const isAgain = parameters.choice('again', ['true', 'false']) === 'true';
  const { monitorName } = await deps.monitors.get(principal, labelOf(call, 'monitorName'));
  const stored = await deps.health.explanationAt(principal, monitorName, at);
  if (stored === undefined) {
    throw notFound(
      `Monitor ${monitorName} had not been judged by then; its first minute takes about a minute`,
    );
  }
  if (!isAgain) return stored;
  const again = await deps.judgeAgain(principal, monitorName, at);
  if (again !== undefined) return again;
  throw notFound(
    'The evidence of that minute is not stored: nothing scored, so no search ran, or the retention is over',
  );
}

function notFound(message: string): ApiError {
  return new ApiError('ResourceNotFoundException', message);
}
