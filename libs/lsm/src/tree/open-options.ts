import type { Clock, Disk, Kernels } from '@holdfast/io';
import type { Compactor } from '../compaction/compaction-job.ts';
import type { TreeListener } from './events.ts';
import type { TreeOptions } from './options.ts';

export interface TreeOpenOptions {
  readonly disk: Disk;
  /** Made if it is missing; used by one tree of one process at a time. */
  readonly directory: string;
  readonly kernels?: Kernels;
  readonly options?: TreeOptions;
  /** Where merges run. Default: on this thread, in slices. */
  readonly compactor?: Compactor;
  /** For the rate limit of compaction. */
  readonly clock?: Clock;
  readonly onEvent?: TreeListener;
  /** Keep a write-ahead log, so that `Tree.write` is durable by itself. Default false. */
  readonly wal?: boolean;
  /**
   * What a table file does that is missing or has the wrong size. `refuse` (default): the tree does not open.
   * `quarantine`: it is taken out as by `Tree.quarantine`, for a caller who can repair it.
   */
  readonly onLostTable?: 'refuse' | 'quarantine';
}
