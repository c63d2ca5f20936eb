import type { SqlFragment } from '../../store/sql.ts';

/** What of `FlowStore` health needs. */
export interface HealthStore {
  query<Row>(statement: SqlFragment, signal?: AbortSignal): Promise<Row[]>;
  change(statement: SqlFragment): Promise<void>;
}
