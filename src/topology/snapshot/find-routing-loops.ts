import type { ResourceOf } from '../graph/resource.ts';
import type { Histories } from './histories.ts';

type TransitTable = ResourceOf<'transit-gateway-route-table'>;

/**
 * Finds destinations that peered transit gateways route to each other without end. A loop is
 * reported once, from the table with the lowest id in it.
 */
export function findRoutingLoops(
  histories: Histories,
  onLoop: (destination: string, tableIds: readonly string[]) => void,
): void {
  const peerings = histories.current('transit-gateway-peering');
  const tables = histories.current('transit-gateway-route-table');

  /** The table at the far end of the peering that a table routes a destination to. */
  const next = (tableId: string, destination: string): string | undefined => {
    const table = tables.get(tableId);
    const route = table?.routes.find((own) => own.destination === destination);
    const peering = peerings.get(route?.attachmentId ?? '');
    if (table === undefined || peering === undefined) return undefined;
    return tableOf(tables.values(), peering.id, farGateway(peering, table.transitGatewayId));
  };

  for (const { id, routes } of tables.values()) {
    for (const { destination } of routes) {
      const visited = [id];
      for (let at = next(id, destination); at !== undefined; at = next(at, destination)) {
        if (at === id && visited.every((own) => own >= id)) onLoop(destination, visited);
        if (visited.includes(at)) break;
        visited.push(at);
      }
    }
  }
}

function farGateway(
  { requester, accepter }: ResourceOf<'transit-gateway-peering'>,
  nearGateway: string,
): string {
  const isRequester = requester.transitGatewayId === nearGateway;
  return (isRequester ? accepter : requester).transitGatewayId;
}

/** The route table that a gateway applies to traffic from an attachment. */
function tableOf(
  tables: Iterable<TransitTable>,
  attachmentId: string,
  gatewayId: string,
): string | undefined {
  for (const { id, transitGatewayId, associations } of tables) {
    if (transitGatewayId === gatewayId && associations.includes(attachmentId)) return id;
  }
  return undefined;
}
