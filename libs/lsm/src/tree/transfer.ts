import type { CorruptionError } from '../errors.ts';
import { assert, compareBytes, type Disk, joinPath, type Kernels } from '@holdfast/io';
import { BlockCache } from '../cache/block-cache.ts';
import { Table, TableCache } from '../cache/table-cache.ts';
import type { EntryFilter } from '../compaction/version-filter.ts';
import { VersionFilter } from '../compaction/version-filter.ts';
import { type RunTarget, writeRun } from '../compaction/write-run.ts';
import { LEVEL_COUNT, REVISION_MAX } from '../limits.ts';
import { compareRanges, equalRanges } from '../read/compare.ts';
import { Merge } from '../read/merge.ts';
import type { Source } from '../read/source.ts';
import type { View } from '../read/view.ts';
import { RunCursor } from '../table/run-cursor.ts';
import { tableFileName, type TableMeta } from '../table/table-info.ts';
import { TableReader } from '../table/table-reader.ts';
import { verifyTable } from '../table/verify-table.ts';
import { spansWithout } from '../version/damaged-spans.ts';
import { coveringRevision, type RangeTombstone } from '../version/range-tombstones.ts';
import type { VersionEdit, VersionSet } from '../version/version-set.ts';
import { removeTables } from './remove-tables.ts';
import { codecOfLevel, type ResolvedOptions } from './options.ts';

/** One file of an export. */
export interface ExportedTable {
  readonly path: string;
  readonly fileBytes: number;
  readonly entries: number;
  readonly smallestKey: Uint8Array;
  readonly largestKey: Uint8Array;
}

/** What `exportRange` gave: the tables, and the range deletions that readers of them still need. */
export interface RangeExport {
  readonly tables: readonly ExportedTable[];
  readonly rangeTombstones: readonly RangeTombstone[];
  /** Readers at a revision below it may miss versions that the tree has dropped. */
  readonly horizon: number;
}

export interface KeyInterval {
  readonly start: Uint8Array | undefined;
  readonly end: Uint8Array | undefined;
}

export interface IngestOptions {
  /** Marks that become current and durable with the tables. */
  readonly marks?: ReadonlyMap<number, Uint8Array>;
  /** What an export gave beside its tables. */
  readonly rangeTombstones?: readonly RangeTombstone[];
  /** That of the export: the tree's is never below it from now on. Default 0. */
  readonly horizon?: number;
  /** First remove all versions of the keys in each `[start, end)` (undefined: unbounded). They do not overlap. */
  readonly replace?: readonly KeyInterval[];
}

export interface TransferWorld {
  readonly disk: Disk;
  readonly kernels: Kernels;
  readonly options: ResolvedOptions;
}

const CACHE_BYTES = 256 * 1024;
const READ_BYTES = 1024 * 1024;
const TABLE_MEMORY_BYTES = 1024 * 1024;

/** Writes the entries of the sources in `[start, end)` as tables. Takes over the sources. */
export async function exportRange(
  { disk, kernels, options, horizon }: TransferWorld & { readonly horizon: number },
  view: View,
  sources: readonly Source[],
  directory: string,
  start: Uint8Array | undefined,
  end: Uint8Array | undefined,
): Promise<RangeExport> {
  view.acquire();
  const merge = new Merge(sources);
  let number = 1;
  try {
    await disk.makeDirectory(directory);
    const run = await writeRun(merge, new VersionFilter(0, [], () => false), {
      disk,
      kernels,
      directory,
      table: { ...options, codec: codecOfLevel(options, LEVEL_COUNT - 1) },
      fileBytesTarget: options.tableBytes,
      nextNumber: () => number++,
      bindingOf: (fileNumber) => options.treeId * 2 ** 32 + fileNumber,
      start,
      end,
    });
    await disk.syncDirectory(directory);
    const tables = run.tables.map(({ number: name, fileBytes, entries, smallestKey, largestKey }) => ({
      path: joinPath(directory, tableFileName(name)),
      fileBytes,
      entries,
      smallestKey,
      largestKey,
    }));
    return {
      tables,
      rangeTombstones: view.rangeTombstones.flatMap((tombstone) => clipped(tombstone, start, end)),
      horizon,
    };
  } finally {
    merge.close();
    view.release();
  }
}

export interface IngestWorld extends TransferWorld {
  readonly directory: string;
  readonly versions: VersionSet;
  readonly onInstalled: () => void;
  /** Damage in a table of the tree that has to be written again. */
  readonly onCorruption: (error: CorruptionError) => void;
}

/** Verifies, links and installs. No compaction runs meanwhile. */
export async function ingestTables(
  world: IngestWorld,
  paths: readonly string[],
  options: IngestOptions,
): Promise<void> {
  const { disk, directory, versions } = world;
  const numbers: number[] = [];
  const nextNumber = (): number => {
    const number = versions.nextNumber();
    numbers.push(number);
    return number;
  };
  try {
    await ingestAs({ ...world, nextNumber }, paths, options);
  } catch (error) {
    // A manifest whose change failed may name the new tables all the same.
    if (versions.isHealthy) await removeTables(disk, directory, numbers);
    throw error;
  }
}

/** Numbers of all files made are known to somebody. */
interface NumberingWorld extends IngestWorld {
  readonly nextNumber: () => number;
}

async function ingestAs(
  world: NumberingWorld,
  paths: readonly string[],
  { marks, rangeTombstones, replace, horizon = 0 }: IngestOptions,
): Promise<void> {
  const { disk, directory, versions } = world;
  const metas: TableMeta[] = [];
  for (const path of paths) metas.push(await verifiedMeta(world, path));
  for (const [i, meta] of metas.entries()) {
    const path = joinPath(directory, tableFileName(meta.number));
    await disk.link(paths[i]!, path);
    const file = await disk.open(path, 'never');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }
  const excised = replace === undefined ? NOTHING_EXCISED : await excise(world, replace);
  if (metas.length + excised.added.length > 0) await disk.syncDirectory(directory);
  const gone = new Set(excised.removed);
  const left = versions.current.levels.map((level) => level.filter(({ meta }) => !gone.has(meta.number)));
  const level = isRun(metas) ? deepestFreeLevel(left, excised.added, metas) : 0;
  const { damagedSpans } = versions.current;
  const edit: VersionEdit = {
    removed: excised.removed,
    added: [...excised.added, ...metas.map((meta) => ({ level, meta }))],
    marks: marks ?? new Map(),
    addedTombstones: rangeTombstones ?? [],
    horizon,
    ...(replace === undefined
      ? {}
      : {
          damagedSpans: replace.reduce(
            (spans, { start, end }) => spansWithout(spans, start, end),
            damagedSpans,
          ),
        }),
  };
  await versions.install(edit, world.onInstalled);
}

async function verifiedMeta(
  { disk, kernels, options, nextNumber }: NumberingWorld,
  path: string,
): Promise<TableMeta> {
  const cache = new BlockCache(CACHE_BYTES);
  const context = { disk, kernels, cache, codecs: options.codecs, syncReads: false, mmap: false };
  const reader = await TableReader.open(path, undefined, context);
  try {
    await verifyTable(reader);
    return { ...reader.info, number: nextNumber() };
  } finally {
    await reader.close();
  }
}

interface Excised {
  readonly removed: readonly number[];
  readonly added: readonly { readonly level: number; readonly meta: TableMeta }[];
}

const NOTHING_EXCISED: Excised = { removed: [], added: [] };

/** Tables inside one of the intervals go; those that stick out are written again without them. */
async function excise(world: NumberingWorld, intervals: readonly KeyInterval[]): Promise<Excised> {
  const removed: number[] = [];
  const added: { readonly level: number; readonly meta: TableMeta }[] = [];
  for (const [level, tables] of world.versions.current.levels.entries()) {
    for (const { meta } of tables) {
      if (!intervals.some((interval) => touches(meta, interval))) continue;
      removed.push(meta.number);
      if (intervals.some((interval) => liesInside(meta, interval))) continue;
      for (const rest of await writeWithout(world, meta, level, intervals)) added.push({ level, meta: rest });
    }
  }
  return { removed, added };
}

function touches(meta: TableMeta, { start, end }: KeyInterval): boolean {
  const isBefore = start !== undefined && compareBytes(meta.largestKey, start) < 0;
  const isBehind = end !== undefined && compareBytes(meta.smallestKey, end) >= 0;
  return !isBefore && !isBehind;
}

function liesInside(meta: TableMeta, { start, end }: KeyInterval): boolean {
  return (
    (start === undefined || compareBytes(start, meta.smallestKey) <= 0) &&
    (end === undefined || compareBytes(meta.largestKey, end) < 0)
  );
}

async function writeWithout(
  { disk, kernels, options, directory, versions, nextNumber, onCorruption }: NumberingWorld,
  meta: TableMeta,
  level: number,
  intervals: readonly KeyInterval[],
): Promise<readonly TableMeta[]> {
  const cache = new BlockCache(CACHE_BYTES);
  const context = {
    disk,
    kernels,
    cache,
    codecs: options.codecs,
    syncReads: false,
    mmap: false,
    onCorruption,
  };
  const tables = new TableCache(directory, context, { tables: 1, bytes: TABLE_MEMORY_BYTES });
  const cursor = new RunCursor([new Table(meta)], {
    tables,
    cache,
    readAheadBytes: READ_BYTES,
    isBulk: true,
  });
  const merge = new Merge([cursor]);
  const target: RunTarget = {
    disk,
    kernels,
    directory,
    table: { ...options, codec: codecOfLevel(options, level) },
    fileBytesTarget: meta.fileBytes * 2,
    nextNumber,
    bindingOf: (number) => versions.bindingOf(number),
  };
  try {
    const filter = new OutsideFilter(intervals, versions.current.rangeTombstones);
    return (await writeRun(merge, filter, target)).tables;
  } finally {
    merge.close();
    await tables.closeAll();
  }
}

/**
 * Keeps what is in none of the intervals and not deleted by a range tombstone in force: the tables written get new
 * numbers, and from those on the tombstone is taken to have left nothing to hide.
 */
class OutsideFilter implements EntryFilter {
  isNewKey = true;
  readonly #intervals: readonly KeyInterval[];
  readonly #rangeTombstones: readonly RangeTombstone[];
  #last: Uint8Array | undefined;

  constructor(intervals: readonly KeyInterval[], rangeTombstones: readonly RangeTombstone[]) {
    this.#intervals = intervals;
    this.#rangeTombstones = rangeTombstones.filter(({ appliedFrom }) => appliedFrom !== undefined);
  }

  keeps({ key, keyStart, keyEnd, revision }: Source): boolean {
    const last = this.#last;
    this.isNewKey = last === undefined || !equalRanges(key, keyStart, keyEnd, last, 0, last.length);
    if (this.isNewKey) this.#last = key.slice(keyStart, keyEnd);
    if (coveringRevision(this.#rangeTombstones, key, keyStart, keyEnd, REVISION_MAX) >= revision)
      return false;
    return !this.#intervals.some(({ start, end }) => {
      const isBefore =
        start !== undefined && compareRanges(key, keyStart, keyEnd, start, 0, start.length) < 0;
      const isBehind = end !== undefined && compareRanges(key, keyStart, keyEnd, end, 0, end.length) >= 0;
      return !isBefore && !isBehind;
    });
  }
}

/** In key order and without overlap? */
function isRun(metas: readonly TableMeta[]): boolean {
  return metas.every((meta, i) => i === 0 || compareBytes(metas[i - 1]!.largestKey, meta.smallestKey) < 0);
}

/** The deepest level for tables that count as the newest: nothing in it or above overlaps them. */
function deepestFreeLevel(
  levels: readonly (readonly Table[])[],
  added: Excised['added'],
  metas: readonly TableMeta[],
): number {
  let level = 0;
  for (let candidate = 0; candidate < LEVEL_COUNT; candidate++) {
    const present = levels[candidate]!.map(({ meta }) => meta);
    for (const rest of added) if (rest.level === candidate) present.push(rest.meta);
    if (present.some((table) => metas.some((meta) => overlap(table, meta)))) break;
    level = candidate;
  }
  assert(level < LEVEL_COUNT, 'a level exists');
  return level;
}

function overlap(a: TableMeta, b: TableMeta): boolean {
  return compareBytes(a.smallestKey, b.largestKey) <= 0 && compareBytes(b.smallestKey, a.largestKey) <= 0;
}

/** The part of a range tombstone inside `[start, end)`. */
function clipped(
  tombstone: RangeTombstone,
  start: Uint8Array | undefined,
  end: Uint8Array | undefined,
): readonly RangeTombstone[] {
  const from = start !== undefined && compareBytes(start, tombstone.start) > 0 ? start : tombstone.start;
  const isEarlier =
    end !== undefined && (tombstone.end === undefined || compareBytes(end, tombstone.end) < 0);
  const to = isEarlier ? end : tombstone.end;
  if (to !== undefined && compareBytes(from, to) >= 0) return [];
  return [{ start: from, end: to, revision: tombstone.revision }];
}
