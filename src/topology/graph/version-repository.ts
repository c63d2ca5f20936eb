import type { Clock } from '../../lib/clock.ts';
import { type Database, type Migration, runMigrations } from '../../lib/database.ts';
import type { ResourceKind } from './resource.ts';
import type { ResourceVersion } from './resource-version.ts';
import type { SourceSlice, TopologySourceName } from './source-statement.ts';
import { FOREVER } from './validity.ts';

type VersionRow = {
  readonly source: TopologySourceName;
  readonly slice: string;
  readonly kind: ResourceKind;
  readonly id: string;
  readonly from_seconds: number;
  readonly to_seconds: number;
  /** The resource's other members as JSON. */
  readonly body: string;
};

type SliceRow = {
  readonly source: TopologySourceName;
  readonly slice: string;
  readonly last_success_seconds: number;
};

type GraphTables = {
  readonly topology_versions: VersionRow;
  readonly topology_slices: SliceRow;
};

export const VERSION_MIGRATIONS: readonly Migration[] = [
  {
    name: '001-versions',
    async up(database) {
      await database.schema
        .createTable('topology_versions')
        .addColumn('source', 'text', (column) => column.notNull())
        .addColumn('slice', 'text', (column) => column.notNull())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('id', 'text', (column) => column.notNull())
        .addColumn('from_seconds', 'bigint', (column) => column.notNull())
        .addColumn('to_seconds', 'bigint', (column) => column.notNull())
        .addColumn('body', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('topology_versions_key', [
          'source',
          'slice',
          'kind',
          'id',
          'from_seconds',
        ])
        .execute();
      await database.schema
        .createIndex('topology_versions_by_end')
        .on('topology_versions')
        .column('to_seconds')
        .execute();
      await database.schema
        .createTable('topology_slices')
        .addColumn('source', 'text', (column) => column.notNull())
        .addColumn('slice', 'text', (column) => column.notNull())
        .addColumn('last_success_seconds', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('topology_slices_key', ['source', 'slice'])
        .execute();
    },
  },
];

export interface KnownSlice extends SourceSlice {
  readonly lastSuccessSeconds: number;
}

export interface VersionRepositoryDeps {
  readonly database: Database;
  readonly clock: Clock;
  /** Versions that ended longer ago are deleted: no stored flow is that old. */
  readonly retentionSeconds: number;
}

/**
 * Stores the history of the resource graph in the control database, so that it survives restarts.
 */
export class VersionRepository {
  readonly #deps: VersionRepositoryDeps;

  constructor(deps: VersionRepositoryDeps) {
    this.#deps = deps;
  }

  /** Creates the tables, deletes versions past retention, and reads the rest, oldest first. */
  async load(): Promise<{ versions: ResourceVersion[]; slices: KnownSlice[] }> {
    await runMigrations(this.#deps.database, 'topology-graph', VERSION_MIGRATIONS);
    await this.deleteBefore(this.retentionStart());
    const versions = await this.#tables()
      .selectFrom('topology_versions')
      .select(['source', 'slice', 'kind', 'id', 'from_seconds', 'to_seconds', 'body'])
      .orderBy('from_seconds')
      .execute();
    const slices = await this.#tables()
      .selectFrom('topology_slices')
      .select(['source', 'slice', 'last_success_seconds'])
      .execute();
    return {
      versions: versions.map(versionOfRow),
      slices: slices.map((row) => ({
        source: row.source,
        slice: row.slice,
        lastSuccessSeconds: row.last_success_seconds,
      })),
    };
  }

  /** The start of retention, in seconds since 1970. */
  retentionStart(): number {
    return Math.floor(this.#deps.clock.now() / 1000) - this.#deps.retentionSeconds;
  }

  async deleteBefore(oldestSeconds: number): Promise<void> {
    await this.#tables()
      .deleteFrom('topology_versions')
      .where('to_seconds', '<', oldestSeconds)
      .execute();
  }

  /** Inserts a few hundred versions at most; of known ones it updates only `to_seconds`. */
  async save(versions: readonly ResourceVersion[]): Promise<void> {
    await this.#tables()
      .insertInto('topology_versions')
      .values(versions.map(rowOfVersion))
      .onConflict((conflict) =>
        conflict
          .columns(['source', 'slice', 'kind', 'id', 'from_seconds'])
          .doUpdateSet((row) => ({ to_seconds: row.ref('excluded.to_seconds') })),
      )
      .execute();
  }

  async saveSlice({ source, slice, lastSuccessSeconds }: KnownSlice): Promise<void> {
    await this.#tables()
      .insertInto('topology_slices')
      .values({ source, slice, last_success_seconds: lastSuccessSeconds })
      .onConflict((conflict) =>
        conflict.columns(['source', 'slice']).doUpdateSet((row) => ({
          last_success_seconds: row.ref('excluded.last_success_seconds'),
        })),
      )
      .execute();
  }

  async deleteSlice({ source, slice }: SourceSlice): Promise<void> {
    await this.#tables()
      .deleteFrom('topology_slices')
      .where('source', '=', source)
      .where('slice', '=', slice)
      .execute();
  }

  #tables() {
    return this.#deps.database.withTables<GraphTables>();
  }
}

function rowOfVersion({ source, slice, resource, ...version }: ResourceVersion): VersionRow {
  const { kind, id, ...members } = resource;
  return {
    source,
    slice,
    kind,
    id,
    from_seconds: version.fromSeconds,
    to_seconds: version.toSeconds,
    body: JSON.stringify(members),
  };
}

function versionOfRow(row: VersionRow): ResourceVersion {
  return {
    source: row.source,
    slice: row.slice,
    resource: { kind: row.kind, id: row.id, ...JSON.parse(row.body) },
    fromSeconds: row.from_seconds,
    toSeconds: Math.min(FOREVER, row.to_seconds),
  };
}
