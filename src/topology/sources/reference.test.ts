import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { ec2ForTests, readResources } from './aws/testing.ts';
import { readInventory } from './inventory/read-inventory.ts';
import { compileSchemaCheck } from './inventory/schema-problems.ts';
import { PATHS } from './kubernetes/testing.ts';
import { TOPOLOGY_SETTINGS } from './source-registry.ts';

const page = join(import.meta.dirname, '../../../docs/reference/topology-sources.md');
const ec2 = ec2ForTests();
let text: string;

beforeAll(async () => {
  text = await readFile(page, 'utf8');
});

/** The code block of the page with a word after its language. */
function block(name: string): string {
  const found = new RegExp(`^\`\`\`\\w+ ${name}\\n([^]*?)^\`\`\``, 'm').exec(text)?.[1];
  if (found === undefined) throw new Error(`the page has no block "${name}"`);
  return found;
}

test('the inventory of the reference is valid', async () => {
  const fallback = { account: '000000000000', region: 'us-east-1' };
  const reading = await readInventory(block('inventory'), {
    fallback,
    check: compileSchemaCheck(),
  });
  const resources = reading.status === 'read' ? reading.resources : reading.problems;
  const kinds = new Map<string, number>();
  for (const one of resources) {
    const kind = 'kind' in one ? one.kind : `line ${one.line}: ${one.message}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  expect(Object.fromEntries(kinds)).toEqual({
    account: 1,
    region: 1,
    zone: 1,
    vpc: 2,
    subnet: 2,
    instance: 1,
    'network-interface': 2,
    'internet-gateway': 1,
    'nat-gateway': 1,
    'route-table': 3,
    'transit-gateway': 1,
    'transit-gateway-attachment': 2,
    'transit-gateway-route-table': 1,
    'service-prefix': 1,
  });
});

test('the policy of the reference allows exactly the calls of the AWS source', async () => {
  await readResources(ec2, {
    DescribeTransitGatewayRouteTables: [
      { transitGatewayId: 'tgw-1', transitGatewayRouteTableId: 'tgw-rtb-1' },
    ],
    DescribeRouteTables: [
      {
        routeTableId: 'rtb-1',
        vpcId: 'vpc-1',
        routeSet: [{ destinationPrefixListId: 'pl-1', natGatewayId: 'nat-1' }],
      },
    ],
  });
  const called = new Set(ec2.requests.map(({ action }) => action));
  called.delete('AssumeRole');
  const { Statement: statements } = JSON.parse(block('iam'));
  expect(statements[0].Action).toEqual([...called].map((action) => `ec2:${action}`).sort());
});

test('the role of the reference allows exactly what the Kubernetes source lists and watches', () => {
  const { rules } = parseYaml(block('rbac'));
  const allowed = rules.flatMap((rule: Record<'apiGroups' | 'resources' | 'verbs', string[]>) => {
    expect(rule.verbs).toEqual(['list', 'watch']);
    return rule.resources.map((resource) => {
      const [group] = rule.apiGroups;
      return group === '' ? `/api/v1/${resource}` : `/apis/${group}/v1/${resource}`;
    });
  });
  expect(allowed.sort()).toEqual([...Object.values(PATHS)].sort());
});

test('the reference names the flag of every setting', () => {
  const flags = Object.keys(TOPOLOGY_SETTINGS).map(
    (key) => `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
  );
  expect(flags.filter((flag) => !text.includes(`\`${flag}`))).toEqual([]);
});
