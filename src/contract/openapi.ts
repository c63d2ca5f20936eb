import { ERROR_STATUS } from '../model/api-error.ts';
import { OPERATION_NAMES, type OperationName, operationSpec, SERVICE } from './operations.ts';
import { structureSpec } from './request.ts';
import type { ShapeSpec, StringSpec, StructureSpec, TimestampSpec } from './shape.ts';
import { SHAPES, shapeSpec } from './shapes.ts';

type Json = Readonly<Record<string, unknown>>;

/** The contract as an OpenAPI 3.1 document. */
export function openApiDocument(): Json {
  return {
    openapi: '3.1.0',
    info: { title: SERVICE.serviceFullName, version: SERVICE.apiVersion },
    security: [{ sigv4: [] }],
    paths: paths(),
    components: {
      securitySchemes: {
        sigv4: {
          type: 'apiKey',
          in: 'header',
          name: 'Authorization',
          description: `AWS Signature Version 4, service name ${SERVICE.signingName}`,
          'x-amazon-apigateway-authtype': 'awsSigv4',
        },
      },
      schemas: {
        ...Object.fromEntries(Object.keys(SHAPES).map((name) => [name, schemaOf(shapeSpec(name))])),
        Error: { type: 'object', properties: { message: { type: 'string' } } },
      },
    },
  };
}

function paths(): Json {
  const byPath: Record<string, Record<string, unknown>> = {};
  for (const name of OPERATION_NAMES) {
    const { method, path } = operationSpec(name);
    byPath[path] = { ...byPath[path], [method.toLowerCase()]: operationObject(name) };
  }
  return byPath;
}

function operationObject(name: OperationName): Json {
  const spec = operationSpec(name);
  const body = bodySchema(structureSpec(spec.input));
  return {
    operationId: name,
    parameters: parameters(structureSpec(spec.input)),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: {
      200: {
        description: 'success',
        content: { 'application/json': { schema: reference(spec.output) } },
      },
      ...errorResponses(name),
    },
  };
}

function errorResponses(name: OperationName): Json {
  return Object.fromEntries(
    operationSpec(name).errors.map((error) => [
      ERROR_STATUS[error],
      {
        description: `${error}; the header x-amzn-ErrorType contains this name`,
        content: { 'application/json': { schema: reference('Error') } },
      },
    ]),
  );
}

function parameters(input: StructureSpec): readonly Json[] {
  return Object.entries(input.members).flatMap(([name, member]) =>
    member.location === undefined
      ? []
      : [
          {
            name,
            in: member.location === 'uri' ? 'path' : 'query',
            required: input.required?.includes(name) === true,
            schema: reference(member.shape),
          },
        ],
  );
}

function bodySchema(input: StructureSpec): Json | undefined {
  const members = Object.entries(input.members).filter(
    ([, { location }]) => location === undefined,
  );
  if (members.length === 0) return undefined;
  const names = members.map(([name]) => name);
  return {
    type: 'object',
    required: (input.required ?? []).filter((name) => names.includes(name)),
    properties: Object.fromEntries(members.map(([name, { shape }]) => [name, reference(shape)])),
  };
}

function schemaOf(spec: ShapeSpec): Json {
  switch (spec.type) {
    case 'string':
      return stringSchema(spec);
    case 'integer':
    case 'long':
      return { type: 'integer', format: spec.type === 'long' ? 'int64' : 'int32', ...range(spec) };
    case 'double':
      return { type: 'number', format: 'double' };
    case 'timestamp':
      return timestampSchema(spec);
    case 'list':
      return {
        type: 'array',
        items: reference(spec.member),
        ...defined({ minItems: spec.min, maxItems: spec.max }),
      };
    case 'map':
      return {
        type: 'object',
        propertyNames: reference(spec.key),
        additionalProperties: reference(spec.value),
        ...defined({ minProperties: spec.min, maxProperties: spec.max }),
      };
    case 'structure':
      return structureSchema(spec);
    default:
      throw new Error(`unknown type of shape: ${JSON.stringify(spec satisfies never)}`);
  }
}

function stringSchema(spec: StringSpec): Json {
  const { min, max, pattern } = spec;
  return {
    type: 'string',
    ...defined({
      enum: spec.enum,
      minLength: min,
      maxLength: max,
      pattern: pattern === undefined ? undefined : `^(?:${pattern})$`,
    }),
  };
}

function timestampSchema(spec: TimestampSpec): Json {
  return spec.timestampFormat === 'iso8601'
    ? { type: 'string', format: 'date-time' }
    : { type: 'number', description: 'seconds since 1970' };
}

function structureSchema(spec: StructureSpec): Json {
  const members = Object.entries(spec.members);
  return {
    type: 'object',
    ...defined({ required: spec.required }),
    properties: Object.fromEntries(members.map(([name, { shape }]) => [name, reference(shape)])),
    ...(spec.union === true ? { minProperties: 1, maxProperties: 1 } : {}),
  };
}

function range({ min, max }: { readonly min?: number; readonly max?: number }): Json {
  return defined({ minimum: min, maximum: max });
}

function reference(shape: string): Json {
  return { $ref: `#/components/schemas/${shape}` };
}

function defined(members: Json): Json {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
