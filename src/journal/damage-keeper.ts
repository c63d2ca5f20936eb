import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../lib/log.ts';
import type { CounterMetric, Metrics } from '../lib/metrics.ts';
import type { DamagedBytes } from './segment-folder.ts';

export interface DamageKeeperDeps {
  /** The journal's folder; damaged bytes are saved in its subfolder `damaged/`. */
  readonly folder: string;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Limit of saved damaged bytes; more are counted only. */
const MAX_KEPT_BYTES = 256 * 1024 * 1024;

/**
 * Counts, logs and saves the durable bytes of journal segments that are unreadable now. They are
 * saved for an investigation, because the segment is deleted once the rest of it is stored.
 */
export class DamageKeeper {
  readonly #deps: DamageKeeperDeps;
  readonly #bytes: CounterMetric;
  readonly #places: CounterMetric;
  readonly #known = new Set<string>();

  constructor(deps: DamageKeeperDeps) {
    this.#deps = deps;
    this.#bytes = deps.metrics.counter({
      name: 'nfm_journal_damaged_bytes_total',
      help: 'Bytes of journal segments that were durable and are now unreadable',
    });
    this.#places = deps.metrics.counter({
      name: 'nfm_journal_damaged_places_total',
      help: 'Damaged places in journal segments; each may have held several reports',
    });
  }

  /** Reports damaged bytes. Each position counts once. */
  async take({ segment, offset, bytes }: DamagedBytes): Promise<void> {
    const name = `${segment}-${offset}`;
    if (this.#known.has(name)) return;
    this.#known.add(name);
    this.#bytes.add(bytes.length);
    this.#places.add(1);
    const file = await this.#keep(name, bytes).catch((error: unknown) => {
      this.#deps.log.warn('cannot keep damaged bytes of the journal', { error, segment, offset });
      return undefined;
    });
    const fields = { segment, offset, bytes: bytes.length, file };
    this.#deps.log.error('a journal segment is damaged; reports in it are lost', fields);
  }

  /** Forgets the damage of a deleted segment. */
  forget(segment: number): void {
    for (const name of this.#known) if (name.startsWith(`${segment}-`)) this.#known.delete(name);
  }

  /** Returns true when the segment has damage. */
  has(segment: number): boolean {
    return [...this.#known].some((name) => name.startsWith(`${segment}-`));
  }

  /** Saves the bytes and returns the file; undefined when the limit is reached. */
  async #keep(name: string, bytes: Buffer): Promise<string | undefined> {
    const folder = join(this.#deps.folder, 'damaged');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    let kept = bytes.length;
    for (const other of await readdir(folder)) kept += (await stat(join(folder, other))).size;
    const path = join(folder, `${name}.bytes`);
    if (kept > MAX_KEPT_BYTES) return undefined;
    await writeFile(path, bytes, { mode: 0o600 });
    return path;
  }
}
