export {
  BrokenError,
  ClosedError,
  CompactionAbortedError,
  CorruptionError,
  type DamagedFile,
} from './errors.ts';
export { LSM_BUGGIFY_POINTS, type LsmBuggifyPoint } from './buggify.ts';
export { BATCH_BYTES_MAX, KEY_BYTES_MAX, MARK_BYTES_MAX, REVISION_MAX, VALUE_BYTES_MAX } from './limits.ts';
export type { LogRecord } from './log/log-recovery.ts';
export type {
  CommitCallback,
  CommittedGroup,
  LogCanary,
  PendingRecord,
  SegmentedLogOptions,
} from './log/log-options.ts';
export { LOG_RECORD_BYTES_MAX, SEGMENT_BYTES_DEFAULT, SegmentedLog } from './log/segmented-log.ts';
export { WriteBatch } from './memtable/write-batch.ts';
export type { Cursor, CursorOptions, EntryView } from './read/cursor.ts';
export {
  type CompactionJob,
  type CompactionResult,
  type CompactionWorld,
  type Compactor,
  InlineCompactor,
  runCompaction,
} from './compaction/compaction-job.ts';
export { type FlushJob, runFlush } from './compaction/flush-job.ts';
export type { BlockCodec, Compression } from './table/codec.ts';
export type { StallReason, TreeEvent, TreeListener } from './tree/events.ts';
export { segmentOf } from './log/log-format.ts';
export { lastGroupOf } from './tools/last-group.ts';
export { checkTree, type TreeReport } from './tools/check-tree.ts';
export { type DirectoryStats, directoryStats } from './tools/directory-stats.ts';
export {
  type DirectoryReport,
  type DumpedEntry,
  dumpTable,
  type Fault,
  type InspectWorld,
  verifyDirectory,
} from './tree/inspect.ts';
export { MEMORY_BUDGET_BYTES_MIN, optionsForMemory } from './tree/memory-budget.ts';
export type { Canary, TreeOptions } from './tree/options.ts';
export { treeExists } from './tree/recovery.ts';
export type { Latest, Lookup, Reads, Snapshot, ValueView } from './tree/snapshot.ts';
export type { LevelStats, TreeStats } from './tree/stats.ts';
export type { ExportedTable, IngestOptions, RangeExport } from './tree/transfer.ts';
export type { DamagedSpan } from './version/damaged-spans.ts';
export type { RangeTombstone } from './version/range-tombstones.ts';
export type { TreeOpenOptions } from './tree/open-options.ts';
export { Tree } from './tree/tree.ts';
