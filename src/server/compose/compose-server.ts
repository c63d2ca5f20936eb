import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { AccessKeys } from '../../auth/access-keys.ts';
import { Accounts } from '../../auth/accounts.ts';
import { writeCredentialsFile } from '../../auth/credentials-file.ts';
import { KeyRefresh } from '../../auth/key-refresh.ts';
import { loadMasterKey } from '../../auth/master-key.ts';
import { SecretBox } from '../../auth/secret-box.ts';
import { Sessions } from '../../auth/sessions.ts';
import { migrateControl } from '../../control/control-tables.ts';
import { Organization } from '../../control/organization.ts';
import { AgeClock } from '../../lib/age-clock.ts';
import { systemClock } from '../../lib/clock.ts';
import { openDatabase } from '../../lib/database.ts';
import { FolderInUseError, FolderLock } from '../../lib/folder-lock.ts';
import type { Log } from '../../lib/log.ts';
import { Metrics } from '../../lib/metrics.ts';
import { type Service, ServiceGroup } from '../../lib/service.ts';
import { listOf } from '../../lib/setting.ts';
import { ConfigError, type ServerConfig } from '../config.ts';
import { type DataFolder, keepFormerFile, openDataFolder } from '../folder/data-folder.ts';
import { FolderGuard } from '../folder/folder-guard.ts';
import { HttpServer } from '../http/http-server.ts';
import type { Basics } from './basics.ts';
import { composeControlPlane } from './compose-control-plane.ts';
import { composeDataPlane } from './compose-data-plane.ts';
import { composeHealth } from './compose-health.ts';
import { composeRoutes } from './compose-routes.ts';
import { composeTopology } from './compose-topology.ts';

export interface ComposedServer {
  /** In the order of their start. */
  readonly services: ServiceGroup;
  readonly http: HttpServer;
  readonly sessions: Sessions;
  readonly folder: DataFolder;
  readonly metrics: Metrics;
}

const CONSOLE_FOLDER = join(import.meta.dirname, '..', '..', '..', 'dist', 'console');

/** Opens the data folder and the database, and composes the parts. Starts none of them. */
export async function composeServer(config: ServerConfig, log: Log): Promise<ComposedServer> {
  const basics = await composeBasics(config, log);
  const topology = composeTopology(basics);
  const randomJournalId = () => randomInt(2 ** 24);
  const data = composeDataPlane(basics, { topology: topology.topology, randomJournalId });
  const { store } = data;
  const control = composeControlPlane(basics, { store, topology, newId: randomUUID });
  const health = composeHealth(basics, { data, control, topology, newId: randomUUID });
  const sessions = new Sessions({ clock: systemClock, random: randomBytes });
  const http = new HttpServer({
    config,
    routes: composeRoutes(basics, { data, control, topology, health, sessions }),
    consoleFolder: CONSOLE_FOLDER,
    log,
    metrics: basics.metrics,
  });
  return {
    services: new ServiceGroup([
      dataFolderLock(config),
      folderCheck(basics),
      controlDatabase(basics),
      new KeyRefresh({ keys: basics.keys, log }),
      ...topology.services,
      ...data.services,
      ...control.services,
      ...health.services,
      http,
    ]),
    http,
    sessions,
    folder: basics.folder,
    metrics: basics.metrics,
  };
}

/** Opens the data folder and the control database, and makes what every part needs. */
async function composeBasics(config: ServerConfig, log: Log): Promise<Basics> {
  const folder = await openDataFolder(config.data);
  const guard = await FolderGuard.open({
    folder,
    isControlInside: config.database === '',
    isStoreInside: config.clickhouseUrl === '',
    newId: randomUUID,
  });
  const url = config.database === '' ? `sqlite:${folder.database}` : config.database;
  const onConnectionLost = (error: Error) => log.warn('lost a database connection', { error });
  const database = await openDatabase({ url, onConnectionLost });
  const masterKey = await loadMasterKey({ path: folder.masterKey, random: randomBytes });
  const secrets = new SecretBox({ key: masterKey, random: randomBytes });
  const keys = new AccessKeys({ database, secrets, clock: systemClock, random: randomBytes });
  const onChange = (account: string) => keys.forgetAccount(account);
  const accounts = new Accounts({ database, clock: systemClock, onChange });
  const organization = new Organization({ database, clock: systemClock });
  const identity = { keys, accounts, organization };
  const metrics = new Metrics();
  const monotonic = () => performance.now();
  const isConfirmed = config.trustClock;
  const ageClock = new AgeClock({ clock: systemClock, monotonic, isConfirmed, log, metrics });
  if (guard.manifest.knownMillis !== undefined) ageClock.start(guard.manifest.knownMillis);
  return { ageClock, config, folder, guard, database, ...identity, masterKey, log, metrics };
}

/** Must start first: a second server would truncate the journal that the first one writes. */
function dataFolderLock({ data }: ServerConfig): Service {
  const lock = new FolderLock(data);
  return {
    name: 'data folder',
    async start() {
      await lock.start().catch((cause) => {
        if (!(cause instanceof FolderInUseError)) throw cause;
        const message = `data: another nfm server uses ${data}; stop it or choose another folder`;
        throw new ConfigError(message, { cause });
      });
    },
    stop: () => lock.stop(),
  };
}

/** Must start before the services that create missing parts of the folder. */
function folderCheck({ guard, database }: Basics): Service {
  return {
    name: 'check of the data folder',
    start: () => guard.checkFiles(database),
    stop: () => Promise.resolve(),
  };
}

/**
 * Creates tables and the first keys at the start, and closes the control database as the last part.
 */
function controlDatabase(basics: Basics): Service {
  const { database, keys, config, folder, log } = basics;
  return {
    name: 'control database',
    async start() {
      await keys.migrate();
      await migrateControl(database);
      const first = await keys.ensureFirstKeys({
        account: config.account,
        async deliver(made) {
          await keepFormerFile(folder.credentials);
          await writeCredentialsFile(folder.credentials, made);
        },
      });
      if (first !== undefined) log.info('created the first keys', { file: folder.credentials });
      await foundOrganization(basics);
    },
    stop: () => database.destroy(),
  };
}

/** Creates the organization from the settings at the first start. Later the API changes it. */
async function foundOrganization({ accounts, organization, config }: Basics): Promise<void> {
  const delegatedAdministrators = listOf(config.delegatedAdministrators);
  const managementAccount = config.account;
  const isNew = await organization.ensure({ managementAccount, delegatedAdministrators });
  if (isNew) await accounts.ensure([managementAccount, ...delegatedAdministrators]);
}
