import type { AuditLog } from '../../control/audit-log.ts';
import { jsonAnswer } from '../json-answer.ts';
import type { NextTokens } from '../next-tokens.ts';
import { type Administration, mayAdminister } from './administration.ts';
import type { ExtensionCall, ExtensionRoute } from './extension-route.ts';
import { QueryParameters } from './query-parameters.ts';

export interface AuditRouteDeps {
  readonly audit: Pick<AuditLog, 'find'>;
  readonly administration: Administration;
  readonly tokens: NextTokens;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const PARAMETERS = ['start', 'end', 'limit', 'eventName', 'accessKeyId', 'account', 'nextToken'];
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1_000;

/** `GET /api/v1/audit`: the calls of an account, newest first. */
export function auditRoutes(deps: AuditRouteDeps): readonly ExtensionRoute[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/audit',
      action: 'nfm:LookupEvents',
      answer: async (call) => jsonAnswer(await lookUpEvents(deps, call)),
    },
  ];
}

async function lookUpEvents(deps: AuditRouteDeps, { request, principal }: ExtensionCall) {
  const parameters = new QueryParameters(request, PARAMETERS);
  const account = parameters.accountId('account') ?? principal.account;
  await mayAdminister(deps.administration, principal, account);
  const eventName = parameters.text('eventName');
  const accessKeyId = parameters.text('accessKeyId');
  const context = {
    operation: 'LookupEvents',
    owner: principal,
    subject: [account, eventName ?? '', accessKeyId ?? ''],
  } as const;
  const { startSeconds, endSeconds } = parameters.range(deps.now());
  const { events, next } = await deps.audit.find({
    account,
    fromMillis: startSeconds * 1000,
    untilMillis: endSeconds * 1000,
    limit: parameters.integer('limit', [1, MAX_LIMIT]) ?? DEFAULT_LIMIT,
    eventName,
    accessKeyId,
    after: deps.tokens.open(context, parameters.text('nextToken')),
  });
  return { events, nextToken: deps.tokens.seal(context, next) };
}
