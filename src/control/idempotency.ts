import { createHash } from 'node:crypto';
import type { Transaction } from 'kysely';
import { ApiError, invalid } from '../model/api-error.ts';
import type { Owner } from '../model/owner.ts';
import type { ControlTables } from './control-tables.ts';
import { ownerKey } from './row-keys.ts';

export type IdempotentOperation = 'CreateScope' | 'CreateMonitor' | 'UpdateMonitor';

/** A call that takes effect once, however often a client repeats it with the same token. */
export interface IdempotentCall {
  readonly owner: Owner;
  readonly operation: IdempotentOperation;
  /** A call without a token takes effect each time. */
  readonly clientToken?: string | undefined;
  /** The rest of the input, in a fixed order. Repetitions must have the same. */
  readonly parameters: unknown;
  /** The scope id or monitor name that the call creates or changes. */
  readonly resource: string;
  readonly nowMillis: number;
}

const KEPT_MILLIS = 24 * 3_600_000;

/**
 * Creates a resource once per token. The first call answers with `answer`; repetitions get the
 * first call's answer as parsed JSON. The token is claimed before `create` runs, so a concurrent
 * repetition waits at the table's unique key.
 *
 * @throws ApiError ValidationException unless the token is 1 to 64 ASCII characters,
 *   ConflictException if it was used with other parameters
 */
export async function createOnce<Answer>(
  transaction: Transaction<ControlTables>,
  call: IdempotentCall & { readonly answer: Answer },
  create: () => Promise<void>,
): Promise<Answer> {
  const use = await startUse(transaction, call);
  const first = use && (await claimToken(transaction, use, call.answer));
  if (first !== undefined) return first;
  await create();
  return call.answer;
}

/**
 * Changes a resource once per token. Differs from `createOnce` in that only `change` knows the
 * answer. The caller must hold a lock on the resource.
 */
export async function changeOnce<Answer>(
  transaction: Transaction<ControlTables>,
  call: IdempotentCall,
  change: () => Promise<Answer>,
): Promise<Answer> {
  const use = await startUse(transaction, call);
  if (use === undefined) return await change();
  // Look up the first answer before `change`: a repetition could fail although the first call
  // succeeded.
  const first = await findAnswer<Answer>(transaction, use);
  if (first !== undefined) return first;
  const answer = await change();
  await claimToken(transaction, use, answer);
  return answer;
}

interface TokenUse {
  readonly key: {
    readonly account: string;
    readonly region: string;
    readonly operation: IdempotentOperation;
    readonly token: string;
  };
  readonly parametersSha256: string;
  readonly call: IdempotentCall;
}

/** Checks the token and drops expired ones. Undefined for a call without a token. */
async function startUse(
  transaction: Transaction<ControlTables>,
  call: IdempotentCall,
): Promise<TokenUse | undefined> {
  const { owner, operation, clientToken: token, parameters, nowMillis } = call;
  if (token === undefined) return undefined;
  checkToken(token);
  await transaction
    .deleteFrom('idempotency_token')
    .where('created_at_millis', '<=', nowMillis - KEPT_MILLIS)
    .execute();
  const hash = createHash('sha256').update(JSON.stringify(parameters));
  const key = { ...ownerKey(owner), operation, token };
  return { key, parametersSha256: hash.digest('hex'), call };
}

/** Stores the answer under the token. Returns the first call's answer if the token was claimed. */
async function claimToken<Answer>(
  transaction: Transaction<ControlTables>,
  use: TokenUse,
  answer: Answer,
): Promise<Answer | undefined> {
  const { numInsertedOrUpdatedRows } = await transaction
    .insertInto('idempotency_token')
    .values({
      ...use.key,
      parameters_sha256: use.parametersSha256,
      resource: use.call.resource,
      answer: JSON.stringify(answer),
      created_at_millis: use.call.nowMillis,
    })
    .onConflict((conflict) =>
      conflict.columns(['account', 'region', 'operation', 'token']).doNothing(),
    )
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows === 1n) return undefined;
  const first = await findAnswer<Answer>(transaction, use);
  if (first !== undefined) return first;
  // Happens only on PostgreSQL: a deletion freed the token between the two statements.
  throw new ApiError('ConflictException', 'The resource of this clientToken was just deleted.');
}

async function findAnswer<Answer>(
  transaction: Transaction<ControlTables>,
  { key, parametersSha256 }: TokenUse,
): Promise<Answer | undefined> {
  const first = await transaction
    .selectFrom('idempotency_token')
    .select(['parameters_sha256', 'answer'])
    .where((where) => where.and(key))
    .executeTakeFirst();
  if (first === undefined) return undefined;
  if (first.parameters_sha256 === parametersSha256) return JSON.parse(first.answer) as Answer;
  throw new ApiError(
    'ConflictException',
    `clientToken was used in another ${key.operation} with other parameters`,
  );
}

/** Makes the tokens of a deleted resource unused again. */
export async function freeTokens(
  transaction: Transaction<ControlTables>,
  {
    owner,
    operations,
    resource,
  }: {
    readonly owner: Owner;
    readonly operations: readonly IdempotentOperation[];
    readonly resource: string;
  },
): Promise<void> {
  await transaction
    .deleteFrom('idempotency_token')
    .where((where) => where.and({ ...ownerKey(owner), resource }))
    .where('operation', 'in', operations)
    .execute();
}

/** AWS's documentation allows up to 64 ASCII characters, although its model requires a UUID. */
function checkToken(token: string): void {
  if (/^[\x20-\x7e]{1,64}$/.test(token)) return;
  throw invalid('clientToken must have 1 to 64 printable ASCII characters');
}
