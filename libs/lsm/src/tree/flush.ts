import type { Disk, Kernels } from '@holdfast/io';
import type { Compactor } from '../compaction/compaction-job.ts';
import type { FlushJob } from '../compaction/flush-job.ts';
import { VersionFilter } from '../compaction/version-filter.ts';
import { writeRun } from '../compaction/write-run.ts';
import { CompactionAbortedError } from '../errors.ts';
import type { LogPosition } from '../log/log-recovery.ts';
import type { Memtable } from '../memtable/memtable.ts';
import { MemtableCursor } from '../memtable/memtable-cursor.ts';
import { Merge } from '../read/merge.ts';
import { TABLE_BYTES_MAX } from '../table/table-format.ts';
import type { TableMeta } from '../table/table-info.ts';
import type { VersionSet } from '../version/version-set.ts';
import { removeTables } from './remove-tables.ts';
import { codecOfLevel, type ResolvedOptions } from './options.ts';

export interface FlushWorld {
  readonly disk: Disk;
  readonly directory: string;
  readonly kernels: Kernels;
  readonly options: ResolvedOptions;
  readonly versions: VersionSet;
  readonly compactor: Compactor;
}

/** A memtable smaller than this is written faster than it is handed over. */
const ELSEWHERE_BYTES_MIN = 256 * 1024;
/** A memtable has at most 2 GiB, and so has a table: two, and what their indexes add. */
const ELSEWHERE_TABLES_MAX = 4;

/**
 * Writes a full memtable as one table of level 0 and installs it together with the memtable's marks and range
 * tombstones: the order is table bytes, directory, manifest. `onInstalled` runs when the version changes.
 *
 * @throws DiskError; the tree is then broken, unless the disk was full and the manifest is as it was.
 */
export async function flushMemtable(
  world: FlushWorld,
  memtable: Memtable,
  horizon: number,
  walFirst: LogPosition | undefined,
  onInstalled: () => void,
): Promise<readonly TableMeta[]> {
  const { disk, directory, options, versions } = world;
  let tables: readonly TableMeta[] = [];
  if (memtable.tree.count > 0)
    tables = (await writeElsewhere(world, memtable, horizon)) ?? (await writeHere(world, memtable, horizon));
  try {
    if (tables.length > 0 && options.canary !== 'directory-not-synced') await disk.syncDirectory(directory);
    await versions.install(
      {
        added: tables.map((meta) => ({ level: 0, meta })),
        marks: new Map(memtable.marks),
        addedTombstones: [...memtable.rangeTombstones],
        horizon: tables.length > 0 ? horizon : 0,
        ...(walFirst === undefined ? {} : { walFirst }),
      },
      onInstalled,
    );
  } catch (error) {
    // A manifest whose change failed may name the new tables all the same.
    if (versions.isHealthy) {
      const numbers = tables.map(({ number }) => number);
      await removeTables(disk, directory, numbers);
    }
    throw error;
  }
  return tables;
}

/** Undefined when there is nobody else to do it, or nobody any more. */
async function writeElsewhere(
  { disk, directory, options, versions, compactor }: FlushWorld,
  memtable: Memtable,
  horizon: number,
): Promise<readonly TableMeta[] | undefined> {
  const { shared, top } = memtable.arena;
  if (compactor.flush === undefined || shared === undefined || memtable.bytes < ELSEWHERE_BYTES_MIN)
    return undefined;
  const numberFirst = versions.nextNumber(ELSEWHERE_TABLES_MAX);
  const job: FlushJob = {
    directory,
    records: shared.subarray(0, top),
    count: memtable.tree.count,
    order: memtable.tree.leaves(),
    horizon,
    rangeTombstones: memtable.rangeTombstones,
    blockBytes: options.blockBytes,
    restartInterval: options.restartInterval,
    bloomBitsPerKey: options.bloomBitsPerKey,
    compression: codecOfLevel(options, 0)?.name ?? 'none',
    numberFirst,
    numberCount: ELSEWHERE_TABLES_MAX,
    bindingBase: versions.bindingOf(0),
  };
  try {
    return (await compactor.flush(job)).tables;
  } catch (error) {
    await removeTables(
      disk,
      directory,
      Array.from({ length: ELSEWHERE_TABLES_MAX }, (_, i) => numberFirst + i),
    );
    if (error instanceof CompactionAbortedError) return undefined;
    throw error;
  }
}

async function writeHere(
  { disk, directory, kernels, options, versions }: FlushWorld,
  memtable: Memtable,
  horizon: number,
): Promise<readonly TableMeta[]> {
  const filter = new VersionFilter(horizon, memtable.rangeTombstones, () => false);
  const merge = new Merge([new MemtableCursor(memtable, Number.MAX_SAFE_INTEGER)]);
  const numbers: number[] = [];
  const run = writeRun(merge, filter, {
    disk,
    kernels,
    directory,
    table: { ...options, codec: codecOfLevel(options, 0) },
    fileBytesTarget: TABLE_BYTES_MAX / 2,
    nextNumber: () => {
      const number = versions.nextNumber();
      numbers.push(number);
      return number;
    },
    bindingOf: (number) => versions.bindingOf(number),
  });
  try {
    return (await run).tables;
  } catch (error) {
    await removeTables(disk, directory, numbers);
    throw error;
  }
}
