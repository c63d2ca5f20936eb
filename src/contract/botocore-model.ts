import { type ApiErrorName, ERROR_STATUS } from '../model/api-error.ts';
import {
  OPERATION_NAMES,
  type OperationName,
  type OperationSpec,
  operationSpec,
  PAGINATORS,
  SERVICE,
} from './operations.ts';
import type { MemberSpec, ShapeSpec } from './shape.ts';
import { SHAPES, shapeSpec } from './shapes.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * The contract in the format of botocore's `service-2.json`. An AWS CLI or boto3 that lacks the
 * service can load it from AWS_DATA_PATH.
 */
export function botocoreModel(): Json {
  return {
    version: '2.0',
    metadata: {
      apiVersion: SERVICE.apiVersion,
      auth: ['aws.auth#sigv4'],
      endpointPrefix: SERVICE.endpointPrefix,
      protocol: 'rest-json',
      protocols: ['rest-json'],
      serviceFullName: SERVICE.serviceFullName,
      serviceId: SERVICE.serviceId,
      signatureVersion: 'v4',
      signingName: SERVICE.signingName,
      uid: `${SERVICE.endpointPrefix}-${SERVICE.apiVersion}`,
    },
    operations: Object.fromEntries(
      OPERATION_NAMES.map((name) => [name, operationModel(name, operationSpec(name))]),
    ),
    shapes: { ...shapeModels(), ...exceptionModels() },
  };
}

/** The paginators in the format of botocore's `paginators-1.json`. */
export function botocorePaginators(): Json {
  return { pagination: PAGINATORS };
}

function operationModel(name: OperationName, spec: OperationSpec): Json {
  return {
    name,
    http: { method: spec.method, requestUri: spec.path, responseCode: 200 },
    input: { shape: spec.input },
    output: { shape: spec.output },
    errors: spec.errors.map((shape) => ({ shape })),
    ...(spec.trait === undefined ? {} : { [spec.trait]: true }),
  };
}

function shapeModels(): Json {
  return Object.fromEntries(Object.keys(SHAPES).map((name) => [name, shapeModel(shapeSpec(name))]));
}

function shapeModel(spec: ShapeSpec): Json {
  switch (spec.type) {
    case 'integer':
    case 'long':
    case 'double':
      return { ...spec, box: true };
    case 'list':
      return { ...spec, member: { shape: spec.member } };
    case 'map':
      return { ...spec, key: { shape: spec.key }, value: { shape: spec.value } };
    case 'structure':
      return {
        ...spec,
        members: Object.fromEntries(
          Object.entries(spec.members).map(([name, member]) => [name, memberModel(name, member)]),
        ),
      };
    case 'string':
    case 'timestamp':
      return { ...spec };
    default:
      throw new Error(`unknown type of shape: ${JSON.stringify(spec satisfies never)}`);
  }
}

function memberModel(name: string, member: MemberSpec): Json {
  return member.location === undefined ? { ...member } : { ...member, locationName: name };
}

function exceptionModels(): Json {
  const names = new Set(OPERATION_NAMES.flatMap((name) => operationSpec(name).errors));
  return Object.fromEntries([...names].sort().map((name) => [name, exceptionModel(name)]));
}

function exceptionModel(name: ApiErrorName): Json {
  const status = ERROR_STATUS[name];
  const ours = status >= 500;
  return {
    type: 'structure',
    members: { message: { shape: 'String' } },
    error: { httpStatusCode: status, ...(ours ? {} : { senderFault: true }) },
    exception: true,
    ...(ours ? { fault: true } : {}),
    ...(ours || status === 429 ? { retryable: { throttling: status === 429 } } : {}),
  };
}
