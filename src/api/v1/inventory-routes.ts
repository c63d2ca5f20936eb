import { ApiError } from '../../model/api-error.ts';
import { headerValue, type RawRequest } from '../../model/http.ts';
import { INVENTORY_SCHEMA } from '../../topology/sources/inventory/inventory-schema.ts';
import type { InventorySource } from '../../topology/sources/inventory/inventory-source.ts';
import { jsonAnswer, type OwnRoute } from './own-route.ts';

export interface InventoryRouteDeps {
  readonly inventory: Pick<InventorySource, 'get' | 'put' | 'delete'>;
  /** Resolves when what was said is what lookups answer from. */
  readonly settled: () => Promise<void>;
}

const PATH = '/api/v1/topology/inventory';
/** RFC 9512; JSON is YAML, too. */
const YAML = 'application/yaml';
/** Not what a browser can be made to send unasked. */
const TAKEN = /^(?:application\/(?:x-)?yaml|text\/yaml|application\/json)\s*(?:;|$)/i;

/** `/api/v1/topology/inventory`: the account's own inventory, as it was put. */
export function inventoryRoutes({ inventory, settled }: InventoryRouteDeps): readonly OwnRoute[] {
  return [
    {
      method: 'GET',
      path: PATH,
      action: 'nfm:GetTopologyInventory',
      answer: async ({ principal }) => {
        const text = await inventory.get(principal.account);
        if (text === undefined) throw noInventory(principal.account);
        return { status: 200, headers: { 'content-type': YAML }, body: text };
      },
    },
    {
      method: 'PUT',
      path: PATH,
      action: 'nfm:PutTopologyInventory',
      isDocument: true,
      answer: async ({ request, principal: { account, region } }) => {
        const resources = await inventory.put({ account, region }, documentText(request));
        await settled();
        return jsonAnswer({ resources });
      },
    },
    {
      method: 'DELETE',
      path: PATH,
      action: 'nfm:DeleteTopologyInventory',
      answer: async ({ principal }) => {
        if (!(await inventory.delete(principal.account))) throw noInventory(principal.account);
        await settled();
        return jsonAnswer({});
      },
    },
    {
      method: 'GET',
      path: `${PATH}/schema`,
      action: 'nfm:GetTopologyInventory',
      answer: async () => jsonAnswer(INVENTORY_SCHEMA),
    },
  ];
}

function noInventory(account: string): ApiError {
  return new ApiError('ResourceNotFoundException', `Account ${account} has no inventory`);
}

function documentText(request: RawRequest): string {
  const type = headerValue(request, 'content-type');
  if (type !== undefined && !TAKEN.test(type)) {
    const message = `content-type must be ${YAML} or application/json`;
    throw new ApiError('UnsupportedMediaTypeException', message);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(request.body);
  } catch (cause) {
    throw new ApiError('SerializationException', 'the body must be text in UTF-8', { cause });
  }
}
