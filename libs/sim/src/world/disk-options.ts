import type { Random } from '@holdfast/io';

export type DiskOperationKind =
  | 'open'
  | 'list'
  | 'size'
  | 'make-directory'
  | 'rename'
  | 'link'
  | 'remove'
  | 'sync-directory'
  | 'lock'
  | 'read'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'allocate'
  | 'close';

/** One call to the disk, as `onOperation` and `delayMs` see it. Unused numbers are 0. */
export interface DiskOperation {
  readonly kind: DiskOperationKind;
  readonly path: string;
  readonly offset: number;
  readonly bytes: number;
  /** For rename and link: the second path. For a write: whether it also syncs. */
  readonly detail: string;
}

export function operationOf(
  kind: DiskOperationKind,
  path: string,
  offset = 0,
  bytes = 0,
  detail = '',
): DiskOperation {
  return { kind, path, offset, bytes, detail };
}

/** Kinds that change something: these are counted, and a crash can be placed before or inside each of them. */
export function isMutation(operation: DiskOperation): boolean {
  switch (operation.kind) {
    case 'list':
    case 'size':
    case 'read':
    case 'close':
    case 'lock':
      return false;
    case 'open':
      return operation.detail !== 'never';
    default:
      return true;
  }
}

/** What goes wrong, as probabilities per operation (0: never). Mutable: a nemesis turns the knobs while running. */
export interface DiskFaults {
  /** A read fails with `EIO`. */
  readErrors: number;
  /** A write fails with `EIO`; part of it may have landed. */
  writeErrors: number;
  /** A sync fails with `EIO`; the data it should have covered is silently never made durable. */
  syncErrors: number;
  /** A read returns one wrong bit; the disk itself is fine. */
  readFlips: number;
  /** One bit of what is written lands wrong, for ever. */
  writeFlips: number;
  /** A write lands at another sector of the same file; where it should be nothing changes. */
  misdirectedWrites: number;
  /** A write is acknowledged and never happens. */
  lostWrites: number;
  /** Every delay is multiplied by this, up to five seconds. */
  slowdown: number;
  /** Bytes the disk holds before `ENOSPC`. */
  capacityBytes: number;
}

export function noDiskFaults(): DiskFaults {
  return {
    readErrors: 0,
    writeErrors: 0,
    syncErrors: 0,
    readFlips: 0,
    writeFlips: 0,
    misdirectedWrites: 0,
    lostWrites: 0,
    slowdown: 1,
    capacityBytes: Number.MAX_SAFE_INTEGER,
  };
}

/** Names of the counters in {@link DiskCounters}: one for each fault that fired. */
export type DiskFaultName =
  | 'read-error'
  | 'write-error'
  | 'sync-error'
  | 'read-flip'
  | 'write-flip'
  | 'misdirected-write'
  | 'lost-write'
  | 'no-space';

/** Where a disk of the simulator gets its time from. Without one, every operation completes at once. */
export interface DiskTimer {
  /** Runs `task` after `delayMs` of virtual time, never inside this call. */
  schedule(delayMs: number, task: () => void): void;
}

export interface SimDiskOptions {
  /** Decides what survives a crash, which faults fire, and every delay. */
  readonly seed: number;
  /** Absent: operations take effect inside the call and their promises are already settled. */
  readonly timer?: DiskTimer;
  /** Delay of one operation; used only with a timer. */
  readonly delayMs?: (operation: DiskOperation, random: Random) => number;
  readonly faults?: DiskFaults;
  /** `copy`: `map()` gives a copy that is poisoned at `close`. `none`: `map()` gives undefined. Default `copy`. */
  readonly map?: 'copy' | 'none';
  /** Files open at once before `EMFILE`. */
  readonly openFilesMax?: number;
  /**
   * The power fails inside mutation number `crashAfter + 1`: `crashAfter` of them complete, that one may land
   * in part and never answers.
   */
  readonly crashAfter?: number;
  /** What a disk without power does with callers: `reject` with {@link PowerLoss}, or never answer (`hang`). */
  readonly afterCrash?: 'reject' | 'hang';
  /** Sees every operation when it is issued, reads included. */
  readonly onOperation?: (operation: DiskOperation) => void;
  /** Sees every injected fault when it fires. */
  readonly onFault?: (fault: DiskFaultName, path: string) => void;
}

/** What survives a power loss of the data that no completed sync covers. */
export interface CrashOptions {
  /** `none`: nothing; `all`: everything; `random` (default): any subset of sectors and directory changes. */
  readonly keep?: 'none' | 'all' | 'random';
  /** Other subsets from the same crash. Default: derived from the disk's seed. */
  readonly seed?: number;
  /** Options of the disk that comes back; the rest is taken over, without `crashAfter`. */
  readonly options?: Partial<SimDiskOptions>;
}

/** The rejection of every operation of a disk whose power is gone. */
export class PowerLoss extends Error {
  override readonly name = 'PowerLoss';

  constructor(operation: DiskOperation) {
    super(`power lost: ${operation.kind} ${operation.path}`);
  }
}
