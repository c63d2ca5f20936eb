import type { Service } from '../lib/service.ts';
import type { ScopeTarget } from '../model/scope.ts';

/** Something that reads a part of the topology and says it to a StatementSink. */
export interface TopologySource extends Service {
  /**
   * Reads what belongs to a scope's targets, to the end; absent when the source knows nothing of
   * targets. Throws an Error whose message says why it cannot, in words for the scope's owner.
   */
  readonly cover?: (targets: readonly ScopeTarget[], signal: AbortSignal) => Promise<void>;
}
