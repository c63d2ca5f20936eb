import type { AccessKeys } from '../../auth/access-keys.ts';
import type { Accounts } from '../../auth/accounts.ts';
import type { MasterKey } from '../../auth/master-key.ts';
import type { Organization } from '../../control/organization.ts';
import type { AgeClock } from '../../lib/age-clock.ts';
import type { Database } from '../../lib/database.ts';
import type { Log } from '../../lib/log.ts';
import type { Metrics } from '../../lib/metrics.ts';
import type { ServerConfig } from '../config.ts';
import type { DataFolder } from '../folder/data-folder.ts';
import type { FolderGuard } from '../folder/folder-guard.ts';

/** The objects that every compose function needs. `composeServer` makes them first. */
export interface Basics {
  readonly config: ServerConfig;
  readonly folder: DataFolder;
  readonly guard: FolderGuard;
  readonly database: Database;
  readonly keys: AccessKeys;
  readonly accounts: Accounts;
  readonly organization: Organization;
  readonly masterKey: MasterKey;
  /** The time by which rows are old enough to be deleted. */
  readonly ageClock: AgeClock;
  readonly log: Log;
  readonly metrics: Metrics;
}
