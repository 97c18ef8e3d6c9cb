import { type Disk, joinPath, type Kernels } from '@holdfast/io';
import { VersionFilter } from '../compaction/version-filter.ts';
import { writeRun } from '../compaction/write-run.ts';
import type { Memtable } from '../memtable/memtable.ts';
import { MemtableCursor } from '../memtable/memtable-cursor.ts';
import { Merge } from '../read/merge.ts';
import { TABLE_BYTES_MAX } from '../table/table-format.ts';
import { tableFileName, type TableMeta } from '../table/table-info.ts';
import type { VersionSet } from '../version/version-set.ts';
import { codecOfLevel, type ResolvedOptions } from './options.ts';

export interface FlushWorld {
  readonly disk: Disk;
  readonly directory: string;
  readonly kernels: Kernels;
  readonly options: ResolvedOptions;
  readonly versions: VersionSet;
}

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
  walSegmentFirst: number | undefined,
  onInstalled: () => void,
): Promise<readonly TableMeta[]> {
  const { disk, directory, kernels, options, versions } = world;
  let tables: readonly TableMeta[] = [];
  if (memtable.tree.count > 0) {
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
      tables = (await run).tables;
    } catch (error) {
      // The flush may be tried again, so its remains must not take the room that is missing.
      for (const number of numbers) {
        await disk.remove(joinPath(directory, tableFileName(number))).catch(() => undefined);
      }
      throw error;
    }
    if (options.canary !== 'directory-not-synced') await disk.syncDirectory(directory);
  }
  await versions.install(
    {
      added: tables.map((meta) => ({ level: 0, meta })),
      marks: new Map(memtable.marks),
      addedTombstones: [...memtable.rangeTombstones],
      ...(walSegmentFirst === undefined ? {} : { walSegmentFirst }),
    },
    onInstalled,
  );
  return tables;
}
