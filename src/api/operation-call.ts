import { type OperationName, operationSpec } from '../contract/operations.ts';
import { parseRequest } from '../contract/request.ts';
import { writeOutput } from '../contract/response.ts';
import type { InputOf } from '../contract/types.ts';
import { ApiError, type ApiErrorName } from '../model/api-error.ts';
import type { RawRequest, RawResponse } from '../model/http.ts';
import type { Principal } from '../model/owner.ts';
import type { Target } from '../wire/rest-json/target.ts';
import type { FoundCall, ReadyCall } from './found-call.ts';
import type { Handlers } from './handlers/handlers.ts';
import { jsonAnswer } from './json-answer.ts';
import { readJsonBody } from './json-body.ts';
import { intentsOf } from './operation-intents.ts';

/** Errors of authentication and HTTP. AWS services return them although no operation declares them. */
const UNDECLARED: readonly ApiErrorName[] = [
  'MissingAuthenticationTokenException',
  'IncompleteSignatureException',
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'ExpiredTokenException',
  'UnknownOperationException',
  'SerializationException',
  'RequestEntityTooLargeException',
  'UnsupportedMediaTypeException',
  'ServiceUnavailableException',
];

interface Parts {
  readonly request: RawRequest;
  readonly target: Target;
  /** Path segments by label, still URL-encoded. */
  readonly labels: Readonly<Record<string, string>>;
  readonly principal: Principal;
  readonly handlers: Handlers;
}

/**
 * A call of one of AWS's operations. If the handler throws an error that the operation does not
 * declare, the call throws ValidationException with the same message.
 */
export function operationCall<Name extends OperationName>(
  operation: Name,
  parts: Parts,
): FoundCall {
  return {
    name: operation,
    isExtension: false,
    isQuery: operation.startsWith('StartQuery'),
    read: () => readOperation(operation, parts),
  };
}

function readOperation<Name extends OperationName>(operation: Name, parts: Parts): ReadyCall {
  const { request, target, labels, principal } = parts;
  const body = readJsonBody(request);
  const input = parseRequest(operation, { labels, query: target.query, body });
  return {
    intents: intentsOf(operation, input, principal),
    parameters: { ...input },
    run: () => run(operation, input, parts),
  };
}

async function run<Name extends OperationName>(
  operation: Name,
  input: InputOf<Name>,
  { principal, handlers }: Parts,
): Promise<RawResponse> {
  const { account, region } = principal;
  const handler: Handlers[Name] = handlers[operation];
  try {
    return jsonAnswer(writeOutput(operation, await handler(input, { account, region })));
  } catch (error) {
    throw declared(operation, error);
  }
}

function declared(operation: OperationName, error: unknown): unknown {
  if (!(error instanceof ApiError) || UNDECLARED.includes(error.name)) return error;
  if (operationSpec(operation).errors.includes(error.name)) return error;
  return new ApiError('ValidationException', error.message, { cause: error });
}
