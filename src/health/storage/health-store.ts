import type { SqlFragment } from '../../store/sql.ts';

/** The methods of `FlowStore` that health needs. */
export interface HealthStore {
  query<Row>(statement: SqlFragment): Promise<Row[]>;
  change(statement: SqlFragment): Promise<void>;
}
