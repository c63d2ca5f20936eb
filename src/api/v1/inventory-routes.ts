import { ApiError } from '../../model/api-error.ts';
import { headerValue, type RawRequest } from '../../model/http.ts';
import type { Principal } from '../../model/owner.ts';
import { INVENTORY_SCHEMA } from '../../topology/sources/inventory/inventory-schema.ts';
import type { InventorySource } from '../../topology/sources/inventory/inventory-source.ts';
import { jsonAnswer } from '../json-answer.ts';
import { type Administration, managementOnly } from './administration.ts';
import type { ExtensionRoute } from './extension-route.ts';

export interface InventoryRouteDeps {
  readonly inventory: Pick<InventorySource, 'get' | 'put' | 'delete'>;
  /** Resolves once lookups use the changed inventory. */
  readonly settled: () => Promise<void>;
  readonly administration: Administration;
}

const PATH = '/api/v1/topology/inventory';
/** RFC 9512. */
const YAML = 'application/yaml';
/** JSON is YAML, too. A page of another site cannot make a browser send any of these types. */
const ACCEPTED_TYPES = /^(?:application\/(?:x-)?yaml|text\/yaml|application\/json)\s*(?:;|$)/i;

/**
 * `/api/v1/topology/inventory`: the inventory document. Only the management account may read or
 * change it, because its networks, zones and services belong to the whole installation.
 */
export function inventoryRoutes(deps: InventoryRouteDeps): readonly ExtensionRoute[] {
  const { inventory, settled, administration } = deps;
  const managed = (answer: ExtensionRoute['answer']) =>
    managementOnly(administration, 'the topology', answer);
  return [
    {
      method: 'GET',
      path: PATH,
      action: 'nfm:GetTopologyInventory',
      answer: managed(async ({ principal }) => {
        const text = await inventory.get(principal.account);
        if (text === undefined) throw noInventory(principal);
        return { status: 200, headers: { 'content-type': YAML }, body: text };
      }),
    },
    {
      method: 'PUT',
      path: PATH,
      action: 'nfm:PutTopologyInventory',
      isDocument: true,
      answer: managed(async ({ request, principal }) => {
        const { account, region } = principal;
        const resources = await inventory.put({ account, region }, documentText(request));
        await settled();
        return jsonAnswer({ resources });
      }),
    },
    {
      method: 'DELETE',
      path: PATH,
      action: 'nfm:DeleteTopologyInventory',
      answer: managed(async ({ principal }) => {
        if (!(await inventory.delete(principal.account))) throw noInventory(principal);
        await settled();
        return jsonAnswer({});
      }),
    },
    {
      method: 'GET',
      path: `${PATH}/schema`,
      action: 'nfm:GetTopologyInventory',
      answer: async () => jsonAnswer(INVENTORY_SCHEMA),
    },
  ];
}

function noInventory({ account }: Principal): ApiError {
  return new ApiError('ResourceNotFoundException', `Account ${account} has no inventory`);
}

function documentText(request: RawRequest): string {
  const type = headerValue(request, 'content-type');
  if (type !== undefined && !ACCEPTED_TYPES.test(type)) {
    const message = `content-type must be ${YAML} or application/json`;
    throw new ApiError('UnsupportedMediaTypeException', message);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(request.body);
  } catch (cause) {
    throw new ApiError('SerializationException', 'the body must be text in UTF-8', { cause });
  }
}
