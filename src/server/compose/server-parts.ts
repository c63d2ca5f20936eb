import type { Authenticator } from '../../auth/authenticator.ts';
import type { Sessions } from '../../auth/sessions.ts';
import type { AuditLog } from '../../control/audit-log.ts';
import type { Monitors } from '../../control/monitors.ts';
import type { Scopes } from '../../control/scopes.ts';
import type { HealthService } from '../../health/health-service.ts';
import type { HealthTables } from '../../health/storage/health-tables.ts';
import type { Journal } from '../../journal/journal.ts';
import type { Service } from '../../lib/service.ts';
import type { ScopeTarget } from '../../model/scope.ts';
import type { Publish } from '../../publish/publish.ts';
import type { Queries } from '../../query/queries.ts';
import type { FlowStore } from '../../store/flow-store.ts';
import type { ResourceGraph } from '../../topology/graph/resource-graph.ts';
import type { LiveSnapshot } from '../../topology/snapshot/live-snapshot.ts';
import type { InventorySource } from '../../topology/sources/inventory/inventory-source.ts';
import type { Topology } from '../../topology/topology.ts';
import type { BodyReaders } from './compose-bodies.ts';

export interface ControlPlane {
  readonly scopes: Scopes;
  readonly monitors: Monitors;
  readonly queries: Queries;
  readonly audit: AuditLog;
  readonly services: readonly Service[];
}

export interface DataPlane {
  readonly bodies: BodyReaders;
  readonly authenticator: Authenticator;
  readonly publish: Publish;
  readonly journal: Journal;
  readonly store: FlowStore;
  /** Returns true when all accepted reports are stored, apart from about one batch. */
  readonly isCaughtUp: () => boolean;
  /** Returns false while the disk is low, when ClickHouse may lose what it writes. */
  readonly hasStoreRoom: () => boolean;
  readonly services: readonly Service[];
}

export interface TopologyParts {
  readonly topology: Topology;
  readonly graph: ResourceGraph;
  readonly live: LiveSnapshot;
  readonly inventory: InventorySource;
  /** Reads the resources of a scope's targets; resolves when the snapshot has them. */
  readonly buildTopology: (targets: readonly ScopeTarget[], signal: AbortSignal) => Promise<void>;
  readonly services: readonly Service[];
}

export interface Health {
  readonly tables: HealthTables;
  readonly service: HealthService;
  readonly services: readonly Service[];
}

export interface ServerParts {
  readonly data: DataPlane;
  readonly control: ControlPlane;
  readonly topology: TopologyParts;
  readonly health: Health;
  readonly sessions: Sessions;
}
