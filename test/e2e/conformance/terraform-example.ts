import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkoutRoot } from '../../../src/lib/checkout-root.ts';
import { readTerraform, type TerraformBlock, type TerraformValue } from './terraform-config.ts';

export interface ExampleResource {
  readonly type: string;
  readonly identifier: string;
}

export interface ExampleMonitor {
  readonly name: string;
  readonly scopeArn: TerraformValue | undefined;
  readonly local: readonly ExampleResource[];
  readonly remote: readonly ExampleResource[];
  readonly tags: Readonly<Record<string, string>>;
}

export interface ExampleConfiguration {
  readonly endpoint: TerraformValue | undefined;
  readonly targets: readonly { readonly account: string; readonly region: string }[];
  readonly scopeTags: Readonly<Record<string, string>>;
  readonly monitors: readonly ExampleMonitor[];
}

/** The resources of `examples/terraform/main.tf` with these variables. */
export function readTerraformExample(
  variables: Readonly<Record<string, string>>,
): ExampleConfiguration {
  const path = join(checkoutRoot(), 'examples/terraform/main.tf');
  const blocks = readTerraform(readFileSync(path, 'utf8'));
  const provider = only(blocks.filter(({ type }) => type === 'provider'));
  const text = (value: TerraformValue | undefined) => resolve(value, variables);
  const scope = only(resources(blocks, 'aws_networkflowmonitor_scope'));
  return {
    endpoint: only(nested(provider, 'endpoints')).values.networkflowmonitor,
    targets: nested(scope, 'target').map((target) => {
      const identifier = only(nested(target, 'target_identifier'));
      return {
        account: text(only(nested(identifier, 'target_id')).values.account_id),
        region: text(target.values.region),
      };
    }),
    scopeTags: tagsOf(scope),
    monitors: resources(blocks, 'aws_networkflowmonitor_monitor').map((monitor) => ({
      name: text(monitor.values.monitor_name),
      scopeArn: monitor.values.scope_arn,
      local: nested(monitor, 'local_resource').map(resourceOf),
      remote: nested(monitor, 'remote_resource').map(resourceOf),
      tags: tagsOf(monitor),
    })),
  };
}

function resources(blocks: readonly TerraformBlock[], kind: string): readonly TerraformBlock[] {
  return blocks.filter(({ type, labels }) => type === 'resource' && labels[0] === kind);
}

function nested(block: TerraformBlock, type: string): readonly TerraformBlock[] {
  return block.blocks.filter((one) => one.type === type);
}

function resourceOf({ values }: TerraformBlock): ExampleResource {
  return { type: resolve(values.type, {}), identifier: resolve(values.identifier, {}) };
}

function tagsOf({ values }: TerraformBlock): Readonly<Record<string, string>> {
  const { tags } = values;
  if (typeof tags !== 'object' || !('map' in tags)) return {};
  return Object.fromEntries(Object.entries(tags.map).map(([key, one]) => [key, resolve(one, {})]));
}

/** A string, or the string that `var.NAME` stands for. */
function resolve(
  value: TerraformValue | undefined,
  variables: Readonly<Record<string, string>>,
): string {
  if (typeof value === 'string') return value;
  const name = typeof value === 'object' && 'reference' in value ? value.reference : '';
  const found = variables[name.replace(/^var\./, '')];
  if (found === undefined) throw new Error(`not a string or a variable: ${JSON.stringify(value)}`);
  return found;
}

function only<Item>(items: readonly Item[]): Item {
  const [item] = items;
  if (item === undefined || items.length > 1)
    throw new Error(`expected one, found ${items.length}`);
  return item;
}
