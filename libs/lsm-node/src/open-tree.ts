import { FileDisk, LogWriter, nodeKernels, SystemClock } from '@holdfast/io-node';
import { Tree, type TreeOpenOptions, type TreeOptions } from '@holdfast/lsm';
import { nodeCodecs } from './codecs.ts';
import { WorkerCompactor } from './worker-compactor.ts';

export interface OpenTreeOptions {
  readonly options?: TreeOptions;
  /** Keep a write-ahead log, so that `Tree.write` is durable by itself. Default false. */
  readonly wal?: boolean;
  /** Where merges run. Default: a {@link WorkerCompactor} of this tree. */
  readonly compactor?: TreeOpenOptions['compactor'];
  readonly onEvent?: TreeOpenOptions['onEvent'];
}

/** A tree, and what was made for it alone. */
export interface OpenedTree {
  readonly tree: Tree;
  /** Closes the tree, then its threads. Without a WAL, flush first. */
  close(): Promise<void>;
}

/**
 * Opens the tree in a directory with everything that Node has: files, the kernels that won, all codecs, compaction
 * on a thread, and with a WAL the log's writes on another.
 *
 * @throws what `Tree.open` throws.
 */
export async function openTree(directory: string, open: OpenTreeOptions = {}): Promise<OpenedTree> {
  const { options, wal = false, onEvent } = open;
  const logWriter = wal ? new LogWriter() : undefined;
  const own = open.compactor === undefined ? new WorkerCompactor() : undefined;
  const closeThreads = async (): Promise<void> => {
    await own?.close();
    await logWriter?.close();
  };
  try {
    const compactor = open.compactor ?? own;
    const tree = await Tree.open({
      disk: new FileDisk(logWriter),
      directory,
      kernels: nodeKernels,
      clock: new SystemClock(),
      options: { codecs: nodeCodecs, ...options },
      wal,
      ...(compactor === undefined ? {} : { compactor }),
      ...(onEvent === undefined ? {} : { onEvent }),
    });
    return {
      tree,
      async close() {
        await tree.close();
        await closeThreads();
      },
    };
  } catch (error) {
    await closeThreads();
    throw error;
  }
}
