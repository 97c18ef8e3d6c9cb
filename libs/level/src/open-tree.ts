import { Tree, treeExists, type TreeOpenOptions, type TreeOptions } from '@holdfast/lsm';
import { LevelError, levelError } from './level-error.ts';
import type { OpenOptions } from './level-options.ts';

/** Reads answer at once where they can, which is what `getSync` needs. */
const DEFAULTS: TreeOptions = { syncReads: true };

/** @throws LevelError with code LEVEL_LOCKED, LEVEL_CORRUPTION or LEVEL_IO_ERROR, or a plain one about existence. */
export async function openTree(
  world: Omit<TreeOpenOptions, 'wal'>,
  { createIfMissing, errorIfExists }: OpenOptions,
): Promise<Tree> {
  const { disk, directory } = world;
  try {
    const exists = await treeExists(disk, directory);
    if (!exists && !createIfMissing) {
      throw new LevelError('LEVEL_IO_ERROR', `${directory} does not exist (createIfMissing is false)`);
    }
    if (exists && errorIfExists)
      throw new LevelError('LEVEL_IO_ERROR', `${directory} exists (errorIfExists is true)`);
    return await Tree.open({ ...world, options: { ...DEFAULTS, ...world.options }, wal: true });
  } catch (error) {
    throw levelError(error);
  }
}
