import { type Disk, joinPath, type Kernels } from '@holdfast/io';
import { tableFileName } from '../table/table-info.ts';
import { writeManifest } from '../version/manifest.ts';
import type { VersionSet } from '../version/version-set.ts';
import { treeExists } from './recovery.ts';

/** The target already holds a tree. */
export class CheckpointExistsError extends Error {
  override readonly name = 'CheckpointExistsError';
  readonly code = 'EEXIST';
}

/**
 * Makes `target` a tree with the content of the current version. The manifest comes last, so a crash leaves
 * no tree or the whole one.
 */
export async function writeCheckpoint(
  disk: Disk,
  directory: string,
  target: string,
  versions: VersionSet,
  kernels: Kernels,
): Promise<void> {
  const { state } = versions;
  const version = versions.current.acquire();
  try {
    await disk.makeDirectory(target);
    if (await treeExists(disk, target)) throw new CheckpointExistsError(`${target} holds a tree`);
    for (const { meta } of version.tables()) {
      const name = tableFileName(meta.number);
      await disk.link(joinPath(directory, name), joinPath(target, name));
    }
    await disk.syncDirectory(target);
    await writeManifest(disk, target, { ...state, walSegmentFirst: 0, walOffsetFirst: 0 }, kernels);
  } finally {
    version.release();
  }
}
