import { ApiError } from '../../model/api-error.ts';
import { parseArn } from '../../model/arn.ts';
import type { Owner } from '../../model/owner.ts';
import type { MonitorService, ScopeService, TagChange } from '../deps.ts';
import type { Handlers } from './handler.ts';

type TagOperation = 'TagResource' | 'UntagResource' | 'ListTagsForResource';

export interface TagHandlerDeps {
  readonly scopes: Pick<ScopeService, 'get' | 'changeTags'>;
  readonly monitors: Pick<MonitorService, 'get' | 'changeTags'>;
}

export function tagHandlers(deps: TagHandlerDeps): Handlers<TagOperation> {
  const change = async (owner: Owner, arn: string, tags: TagChange) => {
    const { kind, name } = taggable(owner, arn);
    await deps[kind].changeTags(owner, name, tags);
    return {};
  };
  return {
    TagResource: ({ resourceArn, tags }, owner) => change(owner, resourceArn, { add: tags }),
    UntagResource: ({ resourceArn, tagKeys }, owner) =>
      change(owner, resourceArn, { removeKeys: tagKeys }),
    ListTagsForResource: async ({ resourceArn }, owner) => {
      const { kind, name } = taggable(owner, resourceArn);
      const { tags } = await deps[kind].get(owner, name);
      return { tags };
    },
  };
}

interface Taggable {
  readonly kind: keyof TagHandlerDeps;
  /** A scope id or monitor name. */
  readonly name: string;
}

/**
 * What an ARN of the owner names. Throws ValidationException when it is not a scope's or monitor's
 * in the owner's Region, AccessDeniedException when it is another account's.
 */
function taggable(owner: Owner, text: string): Taggable {
  const arn = parseArn(text);
  const [, type, name] = /^(scope|monitor)\/(.+)$/.exec(arn?.resource ?? '') ?? [];
  if (
    arn?.partition !== 'aws' ||
    arn.service !== 'networkflowmonitor' ||
    name === undefined ||
    !/^\d{12}$/.test(arn.account)
  ) {
    throw new ApiError(
      'ValidationException',
      'resourceArn: must be arn:aws:networkflowmonitor:REGION:ACCOUNT:scope/ID or …:monitor/NAME',
    );
  }
  if (arn.account !== owner.account) {
    throw new ApiError(
      'AccessDeniedException',
      `Account ${owner.account} may not use the tags of account ${arn.account}'s resources`,
    );
  }
  if (arn.region !== owner.region) {
    throw new ApiError(
      'ValidationException',
      `resourceArn: it is in ${arn.region}, but the request was made in ${owner.region}`,
    );
  }
  return { kind: type === 'scope' ? 'scopes' : 'monitors', name };
}
