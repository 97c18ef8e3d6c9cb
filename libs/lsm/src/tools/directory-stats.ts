import { type Disk, DiskError, joinPath, type Kernels, pureKernels } from '@holdfast/io';
import { CorruptionError } from '../errors.ts';
import { segmentOf } from '../log/log-format.ts';
import { type LevelStats, spaceAmplification } from '../tree/stats.ts';
import { WAL_DIRECTORY } from '../tree/wal.ts';
import { readManifest } from '../version/manifest.ts';

/** Figures of a tree that nobody has open. */
export interface DirectoryStats {
  readonly treeId: number;
  /** A level's figures, and its bytes before prefix and block compression. */
  readonly levels: readonly (LevelStats & { readonly rawBytes: number })[];
  readonly revisionMin: number;
  readonly revisionMax: number;
  /** Groups that have a mark. */
  readonly marks: number;
  readonly rangeTombstones: number;
  readonly spaceAmplification: number;
  /** Segments of the write-ahead log, those that hold nothing new included. */
  readonly walSegments: number;
  readonly walBytes: number;
}

/**
 * Reads the manifest and the sizes of the log's files; nothing is changed.
 * @throws CorruptionError for a damaged or missing manifest; DiskError.
 */
export async function directoryStats(
  { disk, kernels = pureKernels }: { readonly disk: Disk; readonly kernels?: Kernels },
  directory: string,
): Promise<DirectoryStats> {
  const state = await readManifest(disk, directory, kernels);
  if (state === undefined)
    throw new CorruptionError('manifest', directory, 0, 'missing: the directory holds no tree');
  const levels = state.levels.map((tables) => {
    const stats = { tables: tables.length, bytes: 0, entries: 0, tombstones: 0, rawBytes: 0 };
    for (const { fileBytes, entries, tombstones, rawBytes } of tables) {
      stats.bytes += fileBytes;
      stats.entries += entries;
      stats.tombstones += tombstones;
      stats.rawBytes += rawBytes;
    }
    return stats;
  });
  const tables = state.levels.flat();
  const wal = await walFiles(disk, joinPath(directory, WAL_DIRECTORY));
  return {
    treeId: state.treeId,
    levels,
    revisionMin: tables.reduce(
      (least, { revisionMin }) => Math.min(least, revisionMin),
      Number.MAX_SAFE_INTEGER,
    ),
    revisionMax: tables.reduce((most, { revisionMax }) => Math.max(most, revisionMax), 0),
    marks: state.marks.size,
    rangeTombstones: state.rangeTombstones.length,
    spaceAmplification: spaceAmplification(levels),
    walSegments: wal.segments,
    walBytes: wal.bytes,
  };
}

async function walFiles(
  disk: Disk,
  directory: string,
): Promise<{ readonly segments: number; readonly bytes: number }> {
  let segments = 0;
  let bytes = 0;
  for (const name of await listIfThere(disk, directory)) {
    if (segmentOf(name) !== undefined) segments++;
    bytes += (await disk.size(joinPath(directory, name))) ?? 0;
  }
  return { segments, bytes };
}

/** Names in a directory; none when it is missing. */
export async function listIfThere(disk: Disk, directory: string): Promise<readonly string[]> {
  try {
    return await disk.list(directory);
  } catch (error) {
    if (error instanceof DiskError && error.code === 'ENOENT') return [];
    throw error;
  }
}
