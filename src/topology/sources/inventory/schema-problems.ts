import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { INVENTORY_SCHEMA, type Inventory } from './inventory-schema.ts';
import type { DocumentProblem, LocatedDocument, MemberPath } from './located-document.ts';

export type CheckedDocument =
  | { readonly status: 'valid'; readonly inventory: Inventory }
  | { readonly status: 'invalid'; readonly problems: readonly DocumentProblem[] };

/** Checks a document against INVENTORY_SCHEMA. */
export type SchemaCheck = (document: LocatedDocument) => CheckedDocument;

/** Compiling takes 0.1 s, so it is done once. */
export function compileSchemaCheck(): SchemaCheck {
  const ajv = new Ajv2020({ allErrors: true, verbose: true });
  const validate = ajv.compile<Inventory>(INVENTORY_SCHEMA);
  return ({ value, problemAt }) => {
    if (validate(value)) return { status: 'valid', inventory: value };
    const errors = validate.errors ?? [];
    const problems = errors.map((error) => problemAt(pathOf(error), messageOf(error)));
    return { status: 'invalid', problems };
  };
}

/** To the member that is wrong itself, also when its parent is told. */
function pathOf({ instancePath, keyword, params }: ErrorObject): MemberPath {
  const steps = instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    // No member's name is a number.
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
  if (keyword === 'required') return [...steps, params.missingProperty];
  if (keyword === 'additionalProperties') return [...steps, params.additionalProperty];
  return steps;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text is taken (a number in quotes)',
  array: 'a list is taken',
  object: 'members are taken, as "name: value"',
};

function messageOf({
  keyword,
  params,
  parentSchema,
  message = 'is not taken',
}: ErrorObject): string {
  const { description } = parentSchema ?? {};
  switch (keyword) {
    case 'required':
      return 'is required';
    case 'additionalProperties':
      return `is not taken; ${Object.keys(parentSchema?.properties ?? {}).join(', ')} are`;
    case 'type':
      return TYPES[params.type] ?? message;
    case 'enum':
      return `one of ${params.allowedValues.join(', ')} is taken`;
    case 'pattern':
      return `${description} is taken`;
    default:
      return message;
  }
}
