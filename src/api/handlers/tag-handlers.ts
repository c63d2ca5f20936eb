import type { Monitors } from '../../control/monitors.ts';
import type { Scopes } from '../../control/scopes.ts';
import type { TagChange } from '../../control/tags.ts';
import { ApiError, invalid } from '../../model/api-error.ts';
import { type Arn, parseArn, partitionOf } from '../../model/arn.ts';
import { isAccountId, type Owner } from '../../model/owner.ts';
import type { Handlers } from './handlers.ts';

export interface TagHandlerDeps {
  readonly scopes: Pick<Scopes, 'get' | 'changeTags'>;
  readonly monitors: Pick<Monitors, 'get' | 'changeTags'>;
}

export function tagHandlers(deps: TagHandlerDeps) {
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
  } satisfies Partial<Handlers>;
}

interface Taggable {
  readonly kind: keyof TagHandlerDeps;
  /** A scope id or monitor name. */
  readonly name: string;
}

/**
 * The scope or monitor of the owner that an ARN names. Whether it exists is not checked.
 *
 * @throws ApiError ValidationException for another kind of resource or another Region,
 *   AccessDeniedException for another account
 */
function taggable(owner: Owner, text: string): Taggable {
  const arn = parseArn(text);
  const [, type, name] = /^(scope|monitor)\/(.+)$/.exec(arn?.resource ?? '') ?? [];
  if (
    arn === undefined ||
    !isPartitionOf(arn) ||
    arn.service !== 'networkflowmonitor' ||
    name === undefined ||
    !isAccountId(arn.account)
  ) {
    throw invalid(
      'resourceArn must be arn:aws:networkflowmonitor:REGION:ACCOUNT:scope/ID or …:monitor/NAME',
    );
  }
  if (arn.account !== owner.account) {
    throw new ApiError(
      'AccessDeniedException',
      `Account ${owner.account} may not use the tags of account ${arn.account}'s resources`,
    );
  }
  if (arn.region !== owner.region) {
    throw invalid(`resourceArn is in ${arn.region}, but the request is for ${owner.region}`);
  }
  return { kind: type === 'scope' ? 'scopes' : 'monitors', name };
}

/** Earlier versions wrote `arn:aws:` in every Region. */
function isPartitionOf({ partition, region }: Arn): boolean {
  return partition === partitionOf(region) || partition === 'aws';
}
