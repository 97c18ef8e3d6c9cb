import type { Disk, DiskLock, Kernels } from '@holdfast/io';
import type { BlockCache } from '../cache/block-cache.ts';
import type { TableCache } from '../cache/table-cache.ts';
import type { Compactor } from '../compaction/compaction-job.ts';
import type { VersionSet } from '../version/version-set.ts';
import type { TreeListener } from './events.ts';
import type { ResolvedOptions } from './options.ts';

/** What a tree is made of once its directory is recovered and locked. */
export interface TreeWorld {
  readonly disk: Disk;
  readonly directory: string;
  readonly kernels: Kernels;
  readonly options: ResolvedOptions;
  readonly emit: TreeListener;
  readonly lock: DiskLock;
  readonly tables: TableCache;
  readonly cache: BlockCache;
  readonly versions: VersionSet;
  readonly compactor: Compactor;
}
