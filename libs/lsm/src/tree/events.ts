import type { DiskError } from '@holdfast/io';
import type { CorruptionError } from '../errors.ts';
import type { DamagedSpan } from '../version/damaged-spans.ts';

/** Why writes have to wait. */
export type StallReason = 'memtables' | 'level-0';

/** What a tree tells about itself. Emitted synchronously; a listener does not call back into the tree. */
export type TreeEvent =
  | { readonly type: 'flush-begin'; readonly bytes: number }
  | {
      readonly type: 'flush-end';
      readonly bytes: number;
      readonly tables: number;
      readonly fileBytes: number;
    }
  | {
      readonly type: 'compaction-begin';
      readonly level: number;
      readonly outputLevel: number;
      readonly tables: number;
      readonly bytes: number;
    }
  | {
      readonly type: 'compaction-end';
      readonly level: number;
      readonly outputLevel: number;
      readonly bytesRead: number;
      readonly bytesWritten: number;
      readonly tables: number;
      readonly entriesDropped: number;
    }
  /** It did not happen; nothing is lost. Tried again a few times when its thread is to blame. */
  | {
      readonly type: 'compaction-failed';
      readonly level: number;
      readonly outputLevel: number;
      readonly error: unknown;
    }
  | {
      readonly type: 'trivial-move';
      readonly level: number;
      readonly outputLevel: number;
      readonly bytes: number;
    }
  | { readonly type: 'stall-begin'; readonly reason: StallReason }
  | { readonly type: 'stall-end'; readonly reason: StallReason }
  | { readonly type: 'table-deleted'; readonly number: number }
  | { readonly type: 'orphan-deleted'; readonly name: string }
  /**
   * Bytes on disk are not what was written. `table`: the table that they belong to, by number, and the keys
   * that it holds. Everything outside of the table's span goes on; see `Tree.quarantine` for the repair.
   */
  | {
      readonly type: 'corruption';
      readonly error: CorruptionError;
      readonly table?: DamagedSpan;
    }
  /** A flush found no room: writes stall, reads go on; tried again by `flush` and when something was freed. */
  | { readonly type: 'disk-full'; readonly error: DiskError }
  /** A disk failure while writing: the tree takes no more writes. The process should stop. */
  | { readonly type: 'broken'; readonly error: unknown };

export type TreeListener = (event: TreeEvent) => void;
