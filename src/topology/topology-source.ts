import type { Service } from '../lib/service.ts';
import type { ScopeTarget } from '../model/scope.ts';

/** A service that reads a part of the topology and reports it to a StatementSink. */
export interface TopologySource extends Service {
  /**
   * Reads the targets of a scope, all of them even if some fail. Absent in a source that does not
   * read by target. Throws an Error whose message gives the owner of the scope the reasons.
   */
  readonly cover?: (targets: readonly ScopeTarget[], signal: AbortSignal) => Promise<void>;
}
