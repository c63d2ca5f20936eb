import { ApiError } from '../../model/api-error.ts';
import { headerValue, type RawRequest } from '../../model/http.ts';
import { INVENTORY_SCHEMA } from '../../topology/sources/inventory/inventory-schema.ts';
import type { InventorySource } from '../../topology/sources/inventory/inventory-source.ts';
import { type Administration, mustManage } from './administration.ts';
import { type ExtensionCall, type ExtensionRoute, jsonAnswer } from './extension-route.ts';

export interface InventoryRouteDeps {
  readonly inventory: Pick<InventorySource, 'get' | 'put' | 'delete'>;
  /** Resolves when what was said is what lookups answer from. */
  readonly settled: () => Promise<void>;
  readonly administration: Administration;
}

const PATH = '/api/v1/topology/inventory';
/** RFC 9512; JSON is YAML, too. */
const YAML = 'application/yaml';
/** Not what a browser can be made to send unasked. */
const TAKEN = /^(?:application\/(?:x-)?yaml|text\/yaml|application\/json)\s*(?:;|$)/i;

/**
 * `/api/v1/topology/inventory`: the inventory as it was put. Networks, zones and services are of the
 * whole installation, and so is this for its management account.
 */
export function inventoryRoutes({
  inventory,
  settled,
  administration,
}: InventoryRouteDeps): readonly ExtensionRoute[] {
  const manage = ({ principal }: ExtensionCall) =>
    mustManage(administration, principal, 'the topology');
  return [
    {
      method: 'GET',
      path: PATH,
      action: 'nfm:GetTopologyInventory',
      answer: async (call) => {
        await manage(call);
        const text = await inventory.get(call.principal.account);
        if (text === undefined) throw noInventory(call);
        return { status: 200, headers: { 'content-type': YAML }, body: text };
      },
    },
    {
      method: 'PUT',
      path: PATH,
      action: 'nfm:PutTopologyInventory',
      isDocument: true,
      answer: async (call) => {
        await manage(call);
        const { account, region } = call.principal;
        const resources = await inventory.put({ account, region }, documentText(call.request));
        await settled();
        return jsonAnswer({ resources });
      },
    },
    {
      method: 'DELETE',
      path: PATH,
      action: 'nfm:DeleteTopologyInventory',
      answer: async (call) => {
        await manage(call);
        if (!(await inventory.delete(call.principal.account))) throw noInventory(call);
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

function noInventory({ principal }: ExtensionCall): ApiError {
  return new ApiError('ResourceNotFoundException', `Account ${principal.account} has no inventory`);
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
