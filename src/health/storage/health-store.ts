import type { SqlFragment } from '../../store/sql.ts';

/** The methods of `FlowStore` that health needs. */
export interface HealthStore {
  query<Row>(statement: SqlFragment, signal?: AbortSignal): Promise<Row[]>;
  change(statement: SqlFragment): Promise<void>;
}
