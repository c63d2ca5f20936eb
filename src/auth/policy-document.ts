import { invalid } from '../model/api-error.ts';

export interface PolicyStatement {
  readonly Sid?: string | undefined;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
}

/** A policy in IAM's format. Denies what it does not allow; a Deny overrides an Allow. */
export interface PolicyDocument {
  readonly Version?: string | undefined;
  readonly Id?: string | undefined;
  readonly Statement: readonly PolicyStatement[];
}

/** IAM's limit for a managed policy. */
const MAX_CHARACTERS = 6_144;

const VERSION = '2012-10-17';
const DOCUMENT_ELEMENTS = ['Version', 'Id', 'Statement'];
const STATEMENT_ELEMENTS = ['Sid', 'Effect', 'Action', 'Resource'];

/**
 * Parses a policy from a JSON value. A single element may stand where a list is expected. Rejects
 * elements that we do not evaluate (Condition, NotAction, Principal, actions of other services):
 * ignoring one would change the meaning of the document.
 *
 * @throws ApiError ValidationException that names the element
 */
export function parsePolicy(value: unknown): PolicyDocument {
  const document = objectAt('policy', value, DOCUMENT_ELEMENTS);
  if ((JSON.stringify(value) ?? '').length > MAX_CHARACTERS) {
    throw invalid(`policy must have at most ${MAX_CHARACTERS} characters`);
  }
  if (document.Version !== undefined && document.Version !== VERSION) {
    throw invalid(`policy.Version must be ${VERSION}`);
  }
  const statements = listOf(document.Statement);
  if (statements.length === 0) throw invalid('policy.Statement must not be empty');
  return {
    Version: VERSION,
    Id: textAt('policy.Id', document.Id),
    Statement: statements.map((statement, i) =>
      parseStatement(`policy.Statement[${i}]`, statement),
    ),
  };
}

function parseStatement(path: string, value: unknown): PolicyStatement {
  const { Sid, Effect, Action, Resource } = objectAt(path, value, STATEMENT_ELEMENTS);
  if (Effect !== 'Allow' && Effect !== 'Deny') {
    throw invalid(`${path}.Effect must be Allow or Deny`);
  }
  return {
    Sid: textAt(`${path}.Sid`, Sid),
    Effect,
    Action: patternsAt(`${path}.Action`, Action, ACTION),
    Resource: patternsAt(`${path}.Resource`, Resource, RESOURCE),
  };
}

interface PatternRule {
  readonly form: RegExp;
  readonly description: string;
}

const ACTION: PatternRule = {
  form: /^(?:\*|(?:networkflowmonitor|nfm):[a-z*?]+)$/i,
  description: '*, networkflowmonitor:NAME or nfm:NAME; NAME may contain * and ?',
};
const RESOURCE: PatternRule = {
  form: /^(?:\*|arn:\S+)$/,
  description: '* or an ARN, which may contain * and ?',
};

function patternsAt(path: string, value: unknown, { form, description }: PatternRule): string[] {
  const patterns = listOf(value);
  if (patterns.length === 0) throw invalid(`${path} must not be empty`);
  return patterns.map((pattern) => {
    if (typeof pattern === 'string' && form.test(pattern)) return pattern;
    throw invalid(`${path} must be ${description}, not ${JSON.stringify(pattern)}`);
  });
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function textAt(path: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw invalid(`${path} must be a string`);
}

function objectAt(
  path: string,
  value: unknown,
  elements: readonly string[],
): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${path} must be a JSON object`);
  }
  const unknown = Object.keys(value).find((name) => !elements.includes(name));
  if (unknown === undefined) return { ...value };
  throw invalid(`unknown element ${path}.${unknown}; expected ${elements.join(', ')}`);
}
