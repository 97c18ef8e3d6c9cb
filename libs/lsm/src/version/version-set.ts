import { assert, type Disk, isDiskFull, joinPath, type Kernels } from '@holdfast/io';
import { Table, type TableCache } from '../cache/table-cache.ts';
import { LEVEL_COUNT } from '../limits.ts';
import { tableFileName, type TableMeta } from '../table/table-info.ts';
import { type ManifestState, writeManifest } from './manifest.ts';
import type { LogPosition } from '../log/log-recovery.ts';
import type { DamagedSpan } from './damaged-spans.ts';
import type { RangeTombstone } from './range-tombstones.ts';
import { Version } from './version.ts';

/** A change of what a tree consists of; applied whole or not at all. */
export interface VersionEdit {
  readonly added?: readonly { readonly level: number; readonly meta: TableMeta }[];
  /** File numbers. */
  readonly removed?: readonly number[];
  /** An empty mark removes the group's. */
  readonly marks?: ReadonlyMap<number, Uint8Array>;
  readonly addedTombstones?: readonly RangeTombstone[];
  readonly removedTombstones?: readonly RangeTombstone[];
  readonly walFirst?: LogPosition;
  /** All of them from now on. */
  readonly damagedSpans?: readonly DamagedSpan[];
  /** What the added tables were written by: versions that only readers below it see may be missing in them. */
  readonly horizon?: number;
}

/**
 * The current version and the manifest that says so. Changes are installed one at a time: manifest first,
 * then memory. A table that no version has any more is closed and its file removed.
 */
export class VersionSet {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #kernels: Kernels;
  readonly #tables: TableCache;
  readonly #onDeleted: (number: number) => void;
  readonly #treeId: number;
  #state: ManifestState;
  #current: Version;
  #nextFileNumber: number;
  #tail: Promise<unknown> = Promise.resolve();
  readonly #deletions = new Set<Promise<void>>();
  #keepsFiles = false;
  #isHealthy = true;

  constructor(
    world: {
      readonly disk: Disk;
      readonly directory: string;
      readonly kernels: Kernels;
      readonly tables: TableCache;
    },
    state: ManifestState,
    onDeleted: (number: number) => void,
  ) {
    this.#disk = world.disk;
    this.#directory = world.directory;
    this.#kernels = world.kernels;
    this.#tables = world.tables;
    this.#onDeleted = onDeleted;
    this.#state = state;
    this.#treeId = state.treeId;
    this.#nextFileNumber = state.nextFileNumber;
    const levels = state.levels.map((level) => level.map((meta) => new Table(meta)));
    this.#current = this.#newVersion(levels, state.rangeTombstones, state.damagedSpans).acquire();
  }

  get current(): Version {
    return this.#current;
  }

  /** False once a change failed so that nobody knows which manifest is on disk. */
  get isHealthy(): boolean {
    return this.#isHealthy;
  }

  /** What is durable. */
  get state(): ManifestState {
    return this.#state;
  }

  /** A number for a new file; `count` of them in a row. Never given twice, also after a crash. */
  nextNumber(count = 1): number {
    const number = this.#nextFileNumber;
    this.#nextFileNumber += count;
    return number;
  }

  bindingOf(number: number): number {
    return this.#treeId * 2 ** 32 + (number % 2 ** 32);
  }

  /**
   * Makes the edit durable and current. `onInstalled` runs in the turn in which the version changes.
   * @throws DiskError: what the manifest says is then unknown, so no further edit may be installed.
   */
  install(edit: VersionEdit, onInstalled: () => void = () => undefined): Promise<void> {
    const installed = this.#tail.then(() => this.#install(edit, onInstalled));
    // A failed edit fails the ones behind it: nobody knows which manifest is on disk. Unless nothing happened.
    this.#tail = installed.catch((error: unknown) => {
      if (isBeforeRename(error)) return;
      this.#isHealthy = false;
      throw error;
    });
    this.#tail.catch(() => undefined);
    return installed;
  }

  async #install(edit: VersionEdit, onInstalled: () => void): Promise<void> {
    const removed = new Set(edit.removed);
    const levels = this.#current.levels.map((level) =>
      level.filter(({ meta }) => !removed.delete(meta.number)),
    );
    assert(removed.size === 0, 'an edit removes tables that exist');
    for (const { level, meta } of edit.added ?? []) {
      const existing = this.table(meta.number);
      levels[level]!.push(existing ?? new Table(meta));
    }
    sortLevels(levels);
    const removedTombstones = new Set(edit.removedTombstones);
    const rangeTombstones = [
      ...this.#current.rangeTombstones.filter((tombstone) => !removedTombstones.has(tombstone)),
      ...(edit.addedTombstones ?? []),
    ];
    const marks = new Map(this.#state.marks);
    for (const [group, mark] of edit.marks ?? []) {
      if (mark.length === 0) marks.delete(group);
      else marks.set(group, mark);
    }
    const damagedSpans = edit.damagedSpans ?? this.#state.damagedSpans;
    const version = this.#newVersion(levels, rangeTombstones, damagedSpans);
    const state: ManifestState = {
      treeId: this.#treeId,
      nextFileNumber: this.#nextFileNumber,
      walSegmentFirst: edit.walFirst?.segment ?? this.#state.walSegmentFirst,
      walOffsetFirst: edit.walFirst?.offset ?? this.#state.walOffsetFirst,
      levels: levels.map((level) => level.map(({ meta }) => meta)),
      marks,
      rangeTombstones,
      damagedSpans,
      horizon: Math.max(this.#state.horizon, edit.horizon ?? 0),
    };
    await writeManifest(this.#disk, this.#directory, state, this.#kernels);
    this.#state = state;
    const before = this.#current;
    this.#current = version.acquire();
    onInstalled();
    before.release();
  }

  /** Waits for edits and deletions under way; files that lose their last version from now on stay. */
  async close(): Promise<void> {
    await this.#tail.catch(() => undefined);
    this.#keepsFiles = true;
    await Promise.all(this.#deletions);
  }

  /** A failed tree must not delete: the manifest on disk may be older than the one in memory. */
  keepFiles(): void {
    this.#keepsFiles = true;
  }

  /** The table of the current version with this number. */
  table(number: number): Table | undefined {
    for (const table of this.#current.tables()) if (table.meta.number === number) return table;
    return undefined;
  }

  #newVersion(
    levels: readonly (readonly Table[])[],
    rangeTombstones: readonly RangeTombstone[],
    damagedSpans: readonly DamagedSpan[],
  ): Version {
    assert(levels.length === LEVEL_COUNT, 'a version has all levels');
    return new Version(levels, rangeTombstones, damagedSpans, (table) => this.#drop(table));
  }

  #drop(table: Table): void {
    if (this.#keepsFiles) return;
    const deletion = this.#delete(table).finally(() => this.#deletions.delete(deletion));
    this.#deletions.add(deletion);
  }

  /** A file that cannot be removed now is an orphan, removed when the tree is opened next. */
  async #delete(table: Table): Promise<void> {
    try {
      await this.#tables.close(table);
      await this.#disk.remove(joinPath(this.#directory, tableFileName(table.meta.number)));
      this.#onDeleted(table.meta.number);
    } catch {
      return;
    }
  }
}

/** Was the disk full before the new manifest could take the place of the old one? */
function isBeforeRename(error: unknown): boolean {
  return isDiskFull(error) && error.operation !== 'sync-directory' && error.path.endsWith('.tmp');
}

function sortLevels(levels: Table[][]): void {
  levels[0]!.sort((a, b) => b.meta.number - a.meta.number);
  for (const level of levels.slice(1)) {
    level.sort((a, b) => {
      const x = a.meta.smallestKey;
      const y = b.meta.smallestKey;
      for (let i = 0; i < x.length && i < y.length; i++) if (x[i] !== y[i]) return x[i]! - y[i]!;
      return x.length - y.length;
    });
  }
}
