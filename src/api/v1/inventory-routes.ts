import { ApiError } from '../../model/api-error.ts';
import { headerValue, type RawRequest, type RawResponse } from '../../model/http.ts';
import type { Principal } from '../../model/owner.ts';
import { INVENTORY_SCHEMA } from '../../topology/sources/inventory/inventory-schema.ts';
import type { InventorySource } from '../../topology/sources/inventory/inventory-source.ts';
import { jsonAnswer } from '../json-answer.ts';
import { type Administration, managementOnly } from './administration.ts';
import type { ExtensionCall, ExtensionRoute } from './extension-route.ts';

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
  const managed = (answer: Answer) =>
    managementOnly(deps.administration, 'the topology', (call) => answer(deps, call));
  return [
    { method: 'GET', path: PATH, action: 'nfm:GetTopologyInventory', answer: managed(get) },
    {
      method: 'PUT',
      path: PATH,
      action: 'nfm:PutTopologyInventory',
      isDocument: true,
      answer: managed(put),
    },
    {
      method: 'DELETE',
      path: PATH,
      action: 'nfm:DeleteTopologyInventory',
      answer: managed(remove),
    },
    {
      method: 'GET',
      path: `${PATH}/schema`,
      action: 'nfm:GetTopologyInventory',
      answer: async () => jsonAnswer(INVENTORY_SCHEMA),
    },
  ];
}

type Answer = (deps: InventoryRouteDeps, call: ExtensionCall) => Promise<RawResponse>;

async function get({ inventory }: InventoryRouteDeps, { principal }: ExtensionCall) {
  const text = await inventory.get(principal.account);
  if (text === undefined) throw noInventory(principal);
  return { status: 200, headers: { 'content-type': YAML }, body: text };
}

async function put(deps: InventoryRouteDeps, { request, principal }: ExtensionCall) {
  const { account, region } = principal;
  const resources = await deps.inventory.put({ account, region }, documentText(request));
  await deps.settled();
  return jsonAnswer({ resources });
}

async function remove({ inventory, settled }: InventoryRouteDeps, { principal }: ExtensionCall) {
  if (!(await inventory.delete(principal.account))) throw noInventory(principal);
  await settled();
  return jsonAnswer({});
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
