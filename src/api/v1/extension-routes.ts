import { type AccountRouteDeps, accountRoutes } from './account-routes.ts';
import { type AuditRouteDeps, auditRoutes } from './audit-routes.ts';
import type { ExtensionRoute } from './extension-route.ts';
import { type FlowRouteDeps, flowRoutes } from './flow-routes.ts';
import { type HealthRouteDeps, healthRoutes } from './health-routes.ts';
import { type HostRouteDeps, hostRoutes } from './host-routes.ts';
import { type InsightsRouteDeps, insightsRoutes } from './insights-routes.ts';
import { type InventoryRouteDeps, inventoryRoutes } from './inventory-routes.ts';
import { type KeyRouteDeps, keyRoutes } from './key-routes.ts';
import { openApiRoute } from './openapi-route.ts';
import { type OrganizationRouteDeps, organizationRoutes } from './organization-routes.ts';
import { type TopologyRouteDeps, topologyRoutes } from './topology-routes.ts';

export type ExtensionRouteDeps = FlowRouteDeps &
  HostRouteDeps &
  InsightsRouteDeps &
  HealthRouteDeps &
  TopologyRouteDeps &
  InventoryRouteDeps &
  AccountRouteDeps &
  KeyRouteDeps &
  OrganizationRouteDeps &
  AuditRouteDeps;

/** Every route of the extension API; docs/reference/extension-api.md lists them. */
export function extensionRoutes(deps: ExtensionRouteDeps): readonly ExtensionRoute[] {
  return [
    openApiRoute(),
    ...flowRoutes(deps),
    ...hostRoutes(deps),
    ...insightsRoutes(deps),
    ...healthRoutes(deps),
    ...topologyRoutes(deps),
    ...inventoryRoutes(deps),
    ...accountRoutes(deps),
    ...keyRoutes(deps),
    ...organizationRoutes(deps),
    ...auditRoutes(deps),
  ];
}
