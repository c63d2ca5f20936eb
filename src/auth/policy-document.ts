import { ApiError } from '../model/api-error.ts';

export interface PolicyStatement {
  readonly Sid?: string | undefined;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
}

/** A policy as IAM writes it: what is not allowed is denied, and a Deny wins. */
export interface PolicyDocument {
  readonly Version?: string | undefined;
  readonly Id?: string | undefined;
  readonly Statement: readonly PolicyStatement[];
}

/** Characters of a document; IAM's bound of a managed policy. */
const MAX_CHARACTERS = 6_144;

const VERSION = '2012-10-17';
const DOCUMENT_ELEMENTS = ['Version', 'Id', 'Statement'];
const STATEMENT_ELEMENTS = ['Sid', 'Effect', 'Action', 'Resource'];

/**
 * The policy in a JSON value. One element where a list may stand is taken as a list of it. What
 * would be ignored is refused (Condition, NotAction, Principal, other services' actions): a policy
 * must never mean less than it says.
 *
 * @throws ApiError ValidationException naming the element at fault
 */
export function parsePolicy(value: unknown): PolicyDocument {
  const document = objectAt('policy', value, DOCUMENT_ELEMENTS);
  if ((JSON.stringify(value) ?? '').length > MAX_CHARACTERS) {
    throw invalid('policy', `at most ${MAX_CHARACTERS} characters are taken`);
  }
  if (document.Version !== undefined && document.Version !== VERSION) {
    throw invalid('policy.Version', `${VERSION} is taken`);
  }
  const statements = listOf(document.Statement);
  if (statements.length === 0) throw invalid('policy.Statement', 'at least one is needed');
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
    throw invalid(`${path}.Effect`, 'Allow or Deny is taken');
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
  readonly taken: string;
}

const ACTION: PatternRule = {
  form: /^(?:\*|(?:networkflowmonitor|nfm):[a-z*?]+)$/i,
  taken: '*, networkflowmonitor:NAME or nfm:NAME is taken, with * and ? in the name',
};
const RESOURCE: PatternRule = {
  form: /^(?:\*|arn:\S+)$/,
  taken: '* or an ARN is taken, with * and ?',
};

function patternsAt(path: string, value: unknown, { form, taken }: PatternRule): string[] {
  const patterns = listOf(value);
  if (patterns.length === 0) throw invalid(path, 'at least one is needed');
  return patterns.map((pattern) => {
    if (typeof pattern === 'string' && form.test(pattern)) return pattern;
    throw invalid(path, `${taken}, not ${JSON.stringify(pattern)}`);
  });
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function textAt(path: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw invalid(path, 'text is taken');
}

function objectAt(
  path: string,
  value: unknown,
  elements: readonly string[],
): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(path, 'a JSON object is taken');
  }
  const unknown = Object.keys(value).find((name) => !elements.includes(name));
  if (unknown === undefined) return { ...value };
  throw invalid(`${path}.${unknown}`, `is not taken; ${elements.join(', ')} are`);
}

function invalid(path: string, message: string): ApiError {
  return new ApiError('ValidationException', `${path}: ${message}`);
}
