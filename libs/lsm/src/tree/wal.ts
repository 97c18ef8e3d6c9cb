import { type Disk, isDiskFull, joinPath, type Kernels } from '@holdfast/io';
import { CorruptionError } from '../errors.ts';
import { isBefore, listSegments, type LogPosition } from '../log/log-recovery.ts';
import { segmentName } from '../log/log-format.ts';
import { SegmentedLog } from '../log/segmented-log.ts';
import type { Memtable } from '../memtable/memtable.ts';
import { WriteBatch } from '../memtable/write-batch.ts';
import type { Canary } from './options.ts';

export const WAL_DIRECTORY = 'wal';
const RECORD_BATCH = 1;
/** Bytes appended without `sync` and not yet on disk above which such a write waits too, until half of them are. */
const UNSYNCED_BYTES_MAX = 8 * 1024 * 1024;

export interface WalOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly kernels: Kernels;
  readonly segmentBytes: number;
  /** What lies before is in tables; segment 0: the tree has never flushed with a log. */
  readonly first: LogPosition;
  /** Hears every batch of the log, in order, while it opens; reused, so not kept. */
  readonly onBatch: (batch: WriteBatch, position: LogPosition) => void;
  readonly canary: Canary | undefined;
}

/** Copies of batches until they are on disk: first in, first out, in memory that is used again. */
class SlabQueue {
  #slab: Slab = { bytes: new Uint8Array(SLAB_BYTES), used: 0, live: 0 };
  /** At most as many as unsynced bytes need. */
  readonly #spares: Slab[] = [];

  /** A copy of `bytes` and the slab that it lies in. */
  copy(bytes: Uint8Array): { readonly records: Uint8Array; readonly slab: Slab } {
    if (bytes.length > SLAB_BYTES / 4) return { records: bytes.slice(), slab: { bytes, used: 0, live: 1 } };
    if (this.#slab.live === 0) this.#slab.used = 0;
    if (this.#slab.used + bytes.length > SLAB_BYTES) {
      this.#slab = this.#spares.pop() ?? { bytes: new Uint8Array(SLAB_BYTES), used: 0, live: 0 };
    }
    const slab = this.#slab;
    slab.bytes.set(bytes, slab.used);
    const records = slab.bytes.subarray(slab.used, slab.used + bytes.length);
    slab.used += bytes.length;
    slab.live++;
    return { records, slab };
  }

  /** A copy in the slab is not needed any more. */
  free(slab: Slab): void {
    if (--slab.live > 0 || slab === this.#slab || slab.bytes.length !== SLAB_BYTES) return;
    slab.used = 0;
    if (this.#spares.length < SPARES_MAX) this.#spares.push(slab);
  }
}

interface Slab {
  readonly bytes: Uint8Array;
  used: number;
  /** Copies in use. */
  live: number;
}

const SLAB_BYTES = 1024 * 1024;
const SPARES_MAX: number = UNSYNCED_BYTES_MAX / SLAB_BYTES;

/** A write that is in the log's hands. */
interface Pending {
  readonly slab: Slab;
  /** Where the log stood when it was appended: it lies there or later. */
  readonly position: LogPosition;
  readonly bytes: number;
}

/**
 * The write-ahead log of a tree that has no Raft log in front of it: batches, as they lie in memory, over a
 * {@link SegmentedLog}. Batches take effect in the order of the log; one that asked for `sync` is not visible
 * before it is durable.
 */
export class Wal {
  readonly #log: SegmentedLog;
  readonly #applyNow: (batch: WriteBatch, position: LogPosition) => void;
  readonly #onBroken: (error: unknown) => void;
  /** `#pending[#pendingHead ..]` are in the log's hands; `shift` on a long array would cost its length. */
  #pending: Pending[] = [];
  #pendingHead = 0;
  #pendingBytes = 0;
  /** Who waits for half of the unsynced bytes to be on disk. */
  #relief: PromiseWithResolvers<void> | undefined;
  /** Batches in `#pending` that are not applied yet. */
  #unapplied = 0;
  readonly #slabs = new SlabQueue();
  readonly #scratch = new WriteBatch();

  static async open(
    options: WalOptions,
    apply: (batch: WriteBatch, position: LogPosition) => void,
    onBroken: (error: unknown) => void,
  ): Promise<Wal> {
    const { disk, directory, kernels, segmentBytes, first, onBatch, canary } = options;
    const path = joinPath(directory, WAL_DIRECTORY);
    await checkSegments(disk, path, first.segment);
    const batch = new WriteBatch();
    const log = await SegmentedLog.open({
      disk,
      directory: path,
      kernels,
      segmentBytes,
      onFull: 'refuse',
      onRecord: ({ type, payload, segment, offset }) => {
        const position = { segment, offset };
        if (isBefore(position, first)) return;
        if (type !== RECORD_BATCH || !batch.decode(payload)) {
          throw new CorruptionError('batch', path, segment, 'a record is not a batch');
        }
        onBatch(batch, position);
      },
      ...(canary === undefined || canary === 'directory-not-synced' ? {} : { canary }),
    });
    const wal = new Wal(log, apply, onBroken);
    await log.truncateBefore(first.segment);
    return wal;
  }

  private constructor(
    log: SegmentedLog,
    apply: (batch: WriteBatch, position: LogPosition) => void,
    onBroken: (error: unknown) => void,
  ) {
    this.#log = log;
    this.#applyNow = apply;
    this.#onBroken = onBroken;
  }

  /** Where a replay has to begin, given the memtables that are not in tables yet. */
  first(memtables: readonly Memtable[]): LogPosition {
    let first = this.#pending[this.#pendingHead]?.position ?? this.#log.position;
    for (const memtable of memtables) {
      if (!memtable.isEmpty && isBefore(memtable.walFirst, first)) first = memtable.walFirst;
    }
    return first;
  }

  truncateBefore(segment: number): Promise<void> {
    return this.#log.truncateBefore(segment);
  }

  /**
   * @returns when `sync`: a promise for durable and visible. Otherwise undefined, and the batch is visible; or
   * a promise when too much is not on disk yet, or when there may be no room for it.
   *
   * Rejects with a `DiskError` of code `ENOSPC` when there is no room: nothing of the batch was written.
   */
  write(batch: WriteBatch, sync: boolean): Promise<void> | undefined {
    const { position } = this.#log;
    const { records, slab } = this.#slabs.copy(batch.encoded());
    const isDeferred = sync || this.#unapplied > 0 || !this.#log.canHold(records.length);
    const pending: Pending = { slab, position, bytes: records.length };
    this.#pending.push(pending);
    this.#pendingBytes += records.length;
    if (isDeferred) this.#unapplied++;
    else this.#applyNow(batch, position);
    this.#log.append(RECORD_BATCH, [records]);
    if (!isDeferred) {
      this.#log.commit((error) => this.#committed(pending, undefined, error));
      if (this.#pendingBytes <= UNSYNCED_BYTES_MAX) return undefined;
      this.#relief ??= Promise.withResolvers();
      return this.#relief.promise;
    }
    return new Promise((resolve, reject) => {
      this.#log.commit((error) => {
        try {
          this.#committed(pending, records, error);
          if (error === undefined) resolve();
          else reject(error);
        } catch (failure) {
          reject(failure);
        }
      });
    });
  }

  /** Resolves when every write so far is durable or has failed. */
  idle(): Promise<void> {
    return this.#log.idle();
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  /** In the order of the log. `records`: to be applied now. */
  #committed(pending: Pending, records: Uint8Array | undefined, error: Error | undefined): void {
    this.#pendingHead++;
    if (this.#pendingHead > 1_024 && this.#pendingHead * 2 > this.#pending.length) {
      this.#pending = this.#pending.slice(this.#pendingHead);
      this.#pendingHead = 0;
    }
    this.#pendingBytes -= pending.bytes;
    if (this.#relief !== undefined && (error !== undefined || this.#pendingBytes * 2 <= UNSYNCED_BYTES_MAX)) {
      if (error === undefined) this.#relief.resolve();
      else this.#relief.reject(error);
      this.#relief = undefined;
    }
    if (records !== undefined) this.#unapplied--;
    if (error !== undefined) {
      // A batch without room was refused before anything happened. One that is applied had its room.
      if (records === undefined || !isDiskFull(error)) this.#onBroken(error);
      this.#slabs.free(pending.slab);
      return;
    }
    if (records !== undefined) {
      this.#scratch.decode(records);
      this.#applyNow(this.#scratch, pending.position);
    }
    this.#slabs.free(pending.slab);
  }
}

/** Everything from the place on where a replay begins must be there. @throws CorruptionError. */
async function checkSegments(disk: Disk, path: string, segmentFirst: number): Promise<void> {
  if (segmentFirst === 0) return;
  await disk.makeDirectory(path);
  const segments = await listSegments(disk, path);
  if (segments.includes(segmentFirst)) return;
  const missing = joinPath(path, segmentName(segmentFirst));
  throw new CorruptionError('log', missing, 0, 'missing, but the manifest says that a replay begins there');
}
