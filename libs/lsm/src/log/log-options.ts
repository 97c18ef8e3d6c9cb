import type { Buggify, Disk, Kernels } from '@holdfast/io';
import type { LsmBuggifyPoint } from '../buggify.ts';
import type { LogRecord } from './log-recovery.ts';

/** Bugs that a simulator plants to prove that it would find them. */
export type LogCanary = 'forget-sync' | 'truncate-on-middle-damage' | 'directory-not-synced';

export interface SegmentedLogOptions {
  readonly disk: Disk;
  /** Made when missing. Nothing else may live in it. */
  readonly directory: string;
  readonly kernels?: Kernels;
  readonly segmentBytes?: number;
  /** Hears every record that is on disk, in order, before `open` resolves. */
  readonly onRecord: (record: LogRecord) => void;
  /**
   * Records that open every new segment: what must survive when the segments before are dropped.
   * They stand in front of whatever is appended next.
   */
  readonly checkpoint?: () => readonly PendingRecord[];
  /**
   * What a full disk does. `break` (default) breaks the log like any failure: for users whose later records
   * need the earlier ones. `refuse` fails the commits that have no room with `ENOSPC`, with nothing of them
   * written, and goes on: a later one may succeed. `wait` keeps the commit that has no room, and all behind it,
   * until `makeRoom` finds some: for users who look at `isShort` before they append.
   */
  readonly onFull?: 'break' | 'refuse' | 'wait';
  /** Before what stands behind the end, a torn group or a damaged one, is overwritten. Throws to refuse. */
  readonly mayCut?: (path: string, offset: number) => void;
  /** What happens before its time, for simulators only. */
  readonly buggify?: Buggify<LsmBuggifyPoint>;
  readonly canary?: LogCanary;
}

export interface PendingRecord {
  /** 1 .. 255. */
  readonly type: number;
  /** The payload in pieces; unchanged by the caller until the commit is done. */
  readonly parts: readonly Uint8Array[];
}

/** Which segments a committed group lies in. */
export interface CommittedGroup {
  readonly firstSegment: number;
  readonly lastSegment: number;
}

/**
 * Called once: with the group's place when it is durable, or with the failure that broke the log, or with a
 * `DiskError` of code `ENOSPC` when it was refused.
 */
export type CommitCallback = (error: Error | undefined, group: CommittedGroup | undefined) => void;
