import { joinPath, type Kernels, type RangeId } from '@holdfast/io';
import { Tree, type TreeListener } from '@holdfast/lsm';
import { NodeLog } from '../log/node-log.ts';
import type { RecoveredGroup } from '../log/recovered-group.ts';
import { canaryOf } from './canary.ts';
import type { NodeOptions } from './node-options.ts';
import { type NodeSettings, treeOptions } from './settings.ts';
import { clearScratch, SCRATCH_DIRECTORY } from '../snapshot/scratch-directory.ts';

/** What a node keeps on disk, recovered. */
export interface Storage {
  readonly tree: Tree;
  readonly log: NodeLog;
  /** What the log holds of each group. */
  readonly groups: ReadonlyMap<RangeId, RecoveredGroup>;
}

/**
 * Opens tree and log of a node in its directory, or makes new ones.
 * @throws DiskError; the engine's and the log's corruption errors.
 */
export async function openStorage(
  options: NodeOptions,
  settings: NodeSettings,
  kernels: Kernels,
  onEvent: TreeListener,
): Promise<Storage> {
  const { disk, directory, random } = options;
  const { memtableBytes, segmentBytes, buggify, canary } = settings;
  await clearScratch(disk, joinPath(directory, SCRATCH_DIRECTORY));
  const tree = await Tree.open({
    onEvent,
    disk,
    directory: joinPath(directory, 'tree'),
    kernels,
    ...options.tree,
    options: {
      ...treeOptions(random),
      ...options.tree?.options,
      ...(memtableBytes === undefined ? {} : { memtableBytes }),
      buggify,
    },
  });
  const { log, groups } = await NodeLog.open({
    disk,
    directory: joinPath(directory, 'log'),
    hardStateDirectory: joinPath(directory, 'hard-state'),
    kernels,
    onCut: (path, offset) => options.observer?.logCut?.(path, offset),
    buggify,
    ...(segmentBytes === undefined ? {} : { segmentBytes }),
    ...canaryOf(canary).log,
  });
  return { tree, log, groups };
}
