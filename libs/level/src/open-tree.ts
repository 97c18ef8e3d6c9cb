import { type Disk, type Kernels, pureKernels } from '@holdfast/io';
import { FileDisk } from '@holdfast/io-node';
import { type Compactor, Tree, treeExists, type TreeListener, type TreeOptions } from '@holdfast/lsm';
import { type OpenedTree, openTree } from '@holdfast/lsm-node';
import { LevelError, levelError } from './level-error.ts';
import type { OpenOptions } from './level-options.ts';

/** Reads answer at once where they can, which is what `getSync` needs. */
const DEFAULTS: TreeOptions = { syncReads: true };

export interface TreePlace {
  readonly directory: string;
  /** Undefined: the file system, with threads for merges and for the log. */
  readonly disk: Disk | undefined;
  readonly kernels: Kernels | undefined;
  readonly options: TreeOptions;
  readonly compactor: Compactor | undefined;
  readonly onEvent: TreeListener | undefined;
}

/** @throws LevelError with code LEVEL_LOCKED, LEVEL_CORRUPTION or LEVEL_IO_ERROR. */
export async function openLevelTree(
  place: TreePlace,
  { createIfMissing, errorIfExists }: OpenOptions,
): Promise<OpenedTree> {
  const { directory, disk, kernels = pureKernels, compactor, onEvent } = place;
  const common = {
    options: { ...DEFAULTS, ...place.options },
    wal: true,
    ...(compactor === undefined ? {} : { compactor }),
    ...(onEvent === undefined ? {} : { onEvent }),
  };
  try {
    const exists = await treeExists(disk ?? new FileDisk(), directory);
    if (!exists && !createIfMissing) {
      throw new LevelError('LEVEL_IO_ERROR', `${directory} does not exist (createIfMissing is false)`);
    }
    if (exists && errorIfExists) {
      throw new LevelError('LEVEL_IO_ERROR', `${directory} exists (errorIfExists is true)`);
    }
    if (disk === undefined) return await openTree(directory, common);
    const tree = await Tree.open({ ...common, disk, directory, kernels });
    return { tree, close: () => tree.close() };
  } catch (error) {
    throw levelError(error);
  }
}
