import { createHash } from 'node:crypto';
import type { Transaction } from 'kysely';
import { ApiError } from '../model/api-error.ts';
import type { Owner } from '../model/owner.ts';
import type { ControlTables } from './control-tables.ts';

export type IdempotentOperation = 'CreateScope' | 'CreateMonitor' | 'UpdateMonitor';

/** One call that a client may repeat without its taking effect twice. */
export interface IdempotentCall {
  readonly owner: Owner;
  readonly operation: IdempotentOperation;
  readonly clientToken: string;
  /** All that the caller asked for but the token, in a fixed order. */
  readonly parameters: unknown;
  /** What is about to be made or changed: a scope id or monitor name. */
  readonly resource: string;
  /** What the call will answer; kept as JSON. */
  readonly answer: unknown;
  readonly nowMillis: number;
}

const KEPT_MILLIS = 24 * 3_600_000;

/**
 * Takes the token for this call, inside the transaction that does its work: whoever is second waits
 * for the first at the table's unique key. Answers undefined when the call is new, else the
 * first call's answer as parsed JSON. Throws ValidationException for a token that is not 1 to 64
 * ASCII characters, ConflictException when it was used with other parameters.
 */
export async function claimToken(
  transaction: Transaction<ControlTables>,
  call: IdempotentCall,
): Promise<unknown> {
  checkToken(call.clientToken);
  await forgetOld(transaction, call.nowMillis);
  const { numInsertedOrUpdatedRows } = await transaction
    .insertInto('idempotency_token')
    .values({
      ...keyOf(call),
      parameters_sha256: parametersHash(call),
      resource: call.resource,
      answer: JSON.stringify(call.answer),
      created_at_millis: call.nowMillis,
    })
    .onConflict((conflict) =>
      conflict.columns(['account', 'region', 'operation', 'token']).doNothing(),
    )
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows === 1n) return undefined;
  const first = await findAnswer(transaction, call);
  if (first !== undefined) return first;
  // PostgreSQL only: freed by a deletion between the two statements.
  throw new ApiError('ConflictException', 'The resource of this clientToken was just deleted.');
}

/**
 * The first answer to this call as parsed JSON, undefined when the call is new, without taking the
 * token: for work whose answer is known only once it is done. Throws as `claimToken` does.
 */
export async function earlierAnswer(
  transaction: Transaction<ControlTables>,
  call: Omit<IdempotentCall, 'resource' | 'answer'>,
): Promise<unknown> {
  checkToken(call.clientToken);
  await forgetOld(transaction, call.nowMillis);
  return await findAnswer(transaction, call);
}

type TokenUse = Pick<IdempotentCall, 'owner' | 'operation' | 'clientToken' | 'parameters'>;

async function findAnswer(
  transaction: Transaction<ControlTables>,
  use: TokenUse,
): Promise<unknown> {
  const first = await transaction
    .selectFrom('idempotency_token')
    .select(['parameters_sha256', 'answer'])
    .where((where) => where.and(keyOf(use)))
    .executeTakeFirst();
  if (first === undefined) return undefined;
  if (first.parameters_sha256 === parametersHash(use)) return JSON.parse(first.answer);
  throw new ApiError(
    'ConflictException',
    `clientToken was used in another ${use.operation} with other parameters`,
  );
}

function keyOf({ owner, operation, clientToken }: TokenUse) {
  return { account: owner.account, region: owner.region, operation, token: clientToken };
}

async function forgetOld(
  transaction: Transaction<ControlTables>,
  nowMillis: number,
): Promise<void> {
  await transaction
    .deleteFrom('idempotency_token')
    .where('created_at_millis', '<=', nowMillis - KEPT_MILLIS)
    .execute();
}

/** Makes the tokens of a deleted resource unused again. */
export async function freeTokens(
  transaction: Transaction<ControlTables>,
  resource: {
    readonly owner: Owner;
    readonly operations: readonly IdempotentOperation[];
    readonly resource: string;
  },
): Promise<void> {
  await transaction
    .deleteFrom('idempotency_token')
    .where('account', '=', resource.owner.account)
    .where('region', '=', resource.owner.region)
    .where('operation', 'in', resource.operations)
    .where('resource', '=', resource.resource)
    .execute();
}

/** The model wants a UUID, the documentation up to 64 ASCII characters: the latter is accepted. */
function checkToken(token: string): void {
  if (/^[\x20-\x7e]{1,64}$/.test(token)) return;
  throw new ApiError('ValidationException', 'clientToken: 1 to 64 printable ASCII characters');
}

function parametersHash({ parameters }: TokenUse): string {
  return createHash('sha256').update(JSON.stringify(parameters)).digest('hex');
}
