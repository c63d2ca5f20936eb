import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '../lib/clock.ts';
import { type Database, openDatabase } from '../lib/database.ts';
import { emptyPostgresSchema } from '../lib/testing.ts';
import type { Owner } from '../model/owner.ts';
import { migrateControl } from './control-tables.ts';
import { type CreateMonitorRequest, Monitors, type MonitorsDeps } from './monitors.ts';
import { Organization } from './organization.ts';
import { Scopes, type ScopesDeps } from './scopes.ts';

export const owner: Owner = { account: '123456789012', region: 'us-east-1' };

/** Scopes and monitors on a SQLite file, or on the PostgreSQL database of `postgresUrl`, emptied. */
export interface ControlBench extends AsyncDisposable {
  readonly clock: FakeClock;
  readonly database: Database;
  /** How often `wake` was called. */
  readonly wakes: () => number;
  readonly scopes: (overrides?: Partial<ScopesDeps>) => Scopes;
  readonly organization: () => Organization;
  readonly monitors: (overrides?: Partial<MonitorsDeps>) => Monitors;
  /** Sets the status of every scope, as the worker would. */
  readonly setScopeStatus: (status: 'SUCCEEDED' | 'FAILED') => Promise<void>;
  /** Closes and reopens the database, like a restart. */
  readonly reopen: () => Promise<void>;
}

export async function controlBench(postgresUrl?: string): Promise<ControlBench> {
  const folder = mkdtempSync(join(tmpdir(), 'nfm-control-'));
  const url =
    postgresUrl === undefined
      ? `sqlite:${join(folder, 'control.db')}`
      : await emptyPostgresSchema(postgresUrl);
  const clock = new FakeClock(1_761_998_400_616);
  let database = await openDatabase({ url });
  await migrateControl(database);
  let ids = 0;
  let wakes = 0;
  const newId = () => {
    ids += 1;
    return `97626f8d-8a21-4b5d-813a-${String(ids).padStart(12, '0')}`;
  };
  const wake = () => {
    wakes += 1;
  };
  return {
    clock,
    get database() {
      return database;
    },
    wakes: () => wakes,
    scopes: (overrides) =>
      new Scopes({ database, clock, newId, organization: organizationOf(), wake, ...overrides }),
    organization: () => new Organization({ database, clock }),
    monitors: (overrides) => new Monitors({ database, clock, wake, ...overrides }),
    setScopeStatus: async (status) => {
      await database
        .withTables<{ scope: { status: string } }>()
        .updateTable('scope')
        .set({ status })
        .execute();
    },
    reopen: async () => {
      await database.destroy();
      database = await openDatabase({ url });
      await migrateControl(database);
    },
    [Symbol.asyncDispose]: async () => {
      await database.destroy();
      rmSync(folder, { recursive: true });
    },
  };
}

/** An organization in which every account may have these accounts as targets. */
export function organizationOf(...accounts: readonly string[]): Pick<Organization, 'visibleTo'> {
  const visible = accounts.length === 0 ? undefined : new Set(accounts);
  return { visibleTo: async () => visible };
}

/** A monitor `web` of everything in the owner's Region. */
export function webMonitor(scopeArn: string): CreateMonitorRequest {
  return {
    monitorName: 'web',
    localResources: [{ type: 'AWS::Region', identifier: owner.region }],
    remoteResources: [],
    scopeArn,
    tags: {},
  };
}
