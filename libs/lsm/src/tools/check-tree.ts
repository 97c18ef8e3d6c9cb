import { compareBytes, joinPath, pureKernels } from '@holdfast/io';
import { CorruptionError } from '../errors.ts';
import { listSegments, recoverLog } from '../log/log-recovery.ts';
import { WriteBatch } from '../memtable/write-batch.ts';
import { tableFileName, type TableMeta } from '../table/table-info.ts';
import { type DirectoryReport, type Fault, type InspectWorld, verifyDirectory } from '../tree/inspect.ts';
import { WAL_DIRECTORY } from '../tree/wal.ts';
import { readManifest } from '../version/manifest.ts';
import { listIfThere } from './directory-stats.ts';

export interface TreeReport extends DirectoryReport {
  readonly walSegments: number;
  /** Batches in the log, those that are in tables already included. */
  readonly walBatches: number;
  /** The log ends in the rest of a write that never became durable: harmless, overwritten when the tree is opened. */
  readonly walIsTorn: boolean;
}

/**
 * Checks everything about a tree that nobody has open: manifest against directory, every checksum, the order
 * of entries, of tables in their levels, and every record of the write-ahead log. Nothing is changed.
 *
 * @throws DiskError. Damage is reported, not thrown.
 */
export async function checkTree(world: InspectWorld, directory: string): Promise<TreeReport> {
  const report = await verifyDirectory(world, directory);
  const faults = [...report.faults, ...(await levelFaults(world, directory))];
  const wal = { walSegments: 0, walBatches: 0, walIsTorn: false };
  const walDirectory = joinPath(directory, WAL_DIRECTORY);
  if ((await listIfThere(world.disk, walDirectory)).length > 0) {
    try {
      Object.assign(wal, await readWal(world, walDirectory));
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      faults.push({ path: error.path, detail: `byte ${error.offset}: ${error.detail}` });
    }
  }
  return { ...report, ...wal, faults };
}

/** Tables of level 1 and deeper come in key order and do not overlap. */
async function levelFaults(
  { disk, kernels = pureKernels }: InspectWorld,
  directory: string,
): Promise<readonly Fault[]> {
  const faults: Fault[] = [];
  // A manifest that cannot be read has been reported.
  const state = await readManifest(disk, directory, kernels).catch((error: unknown) => {
    if (error instanceof CorruptionError) return undefined;
    throw error;
  });
  for (const [level, tables] of (state?.levels ?? []).entries()) {
    let before: TableMeta | undefined;
    for (const table of tables) {
      const path = joinPath(directory, tableFileName(table.number));
      if (compareBytes(table.smallestKey, table.largestKey) > 0)
        faults.push({ path, detail: 'bounds are the wrong way round' });
      if (level > 0 && before !== undefined && compareBytes(before.largestKey, table.smallestKey) >= 0) {
        faults.push({ path, detail: `overlaps ${tableFileName(before.number)} in level ${level}` });
      }
      before = table;
    }
  }
  return faults;
}

async function readWal(
  { disk, kernels = pureKernels }: InspectWorld,
  directory: string,
): Promise<Pick<TreeReport, 'walSegments' | 'walBatches' | 'walIsTorn'>> {
  const batch = new WriteBatch();
  let walBatches = 0;
  const segments = await listSegments(disk, directory);
  const tail = await recoverLog(
    {
      disk,
      directory,
      kernels,
      truncateOnDamage: false,
      onRecord: ({ payload, segment }) => {
        if (!batch.decode(payload))
          throw new CorruptionError('batch', directory, segment, 'a record is not a batch');
        walBatches++;
      },
    },
    segments,
  );
  return { walSegments: segments.length, walBatches, walIsTorn: tail?.torn ?? false };
}
