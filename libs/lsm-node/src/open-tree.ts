import { BlockingWriter, FileDisk, LogWriter, nodeKernels, SystemClock } from '@holdfast/io-node';
import { Tree, type TreeOpenOptions, type TreeOptions } from '@holdfast/lsm';
import { nodeCodecs } from './codecs.ts';
import { WorkerCompactor } from './worker-compactor.ts';

export interface OpenTreeOptions {
  readonly options?: TreeOptions;
  /** Keep a write-ahead log, so that `Tree.write` is durable by itself. Default false. */
  readonly wal?: boolean;
  /**
   * Who writes and syncs the log. `thread` (default): one of its own, so that the event loop goes on. `caller`: the
   * thread that calls, which stands still for as long as the disk needs: half the time for a write that is waited
   * for alone, and for programs that serve nobody meanwhile.
   */
  readonly logWrites?: 'thread' | 'caller';
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
  const { options, wal = false, logWrites = 'thread', onEvent } = open;
  const logWriter = wal && logWrites === 'thread' ? new LogWriter() : undefined;
  const own = open.compactor === undefined ? new WorkerCompactor() : undefined;
  const closeThreads = async (): Promise<void> => {
    await own?.close();
    await logWriter?.close();
  };
  try {
    const compactor = open.compactor ?? own;
    const tree = await Tree.open({
      disk: new FileDisk(logWrites === 'caller' ? new BlockingWriter() : logWriter),
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
