import { type Disk, joinPath, type Kernels } from '@holdfast/io';
import { CorruptionError } from '../errors.ts';
import { SegmentedLog } from '../log/segmented-log.ts';
import type { Memtable } from '../memtable/memtable.ts';
import { WriteBatch } from '../memtable/write-batch.ts';
import type { Canary } from './options.ts';

export const WAL_DIRECTORY = 'wal';
const RECORD_BATCH = 1;
/** Bytes appended without `sync` and not yet on disk above which such a write waits too. */
const UNSYNCED_BYTES_MAX = 8 * 1024 * 1024;

export interface WalOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly kernels: Kernels;
  readonly segmentBytes: number;
  /** Segments before this one hold nothing that is not in a table. */
  readonly segmentFirst: number;
  /** Hears every batch of the log, in order, while it opens; reused, so not kept. */
  readonly onBatch: (batch: WriteBatch, segment: number) => void;
  readonly canary: Canary | undefined;
}

/** Copies of batches until they are on disk: first in, first out, in memory that is used again. */
class SlabQueue {
  #slab: Slab = { bytes: new Uint8Array(SLAB_BYTES), used: 0, live: 0 };
  #spare: Slab | undefined;

  /** A copy of `bytes` and the slab that it lies in. */
  copy(bytes: Uint8Array): { readonly records: Uint8Array; readonly slab: Slab } {
    if (bytes.length > SLAB_BYTES / 4) return { records: bytes.slice(), slab: { bytes, used: 0, live: 1 } };
    if (this.#slab.live === 0) this.#slab.used = 0;
    if (this.#slab.used + bytes.length > SLAB_BYTES) {
      this.#slab = this.#spare ?? { bytes: new Uint8Array(SLAB_BYTES), used: 0, live: 0 };
      this.#spare = undefined;
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
    this.#spare = slab;
  }
}

interface Slab {
  readonly bytes: Uint8Array;
  used: number;
  /** Copies in use. */
  live: number;
}

const SLAB_BYTES = 1024 * 1024;

/** A write that is in the log's hands. */
interface Pending {
  readonly slab: Slab;
  /** The segment that was written when it was appended: it lies there or later. */
  readonly segment: number;
  readonly bytes: number;
}

/**
 * The write-ahead log of a tree that has no Raft log in front of it: batches, as they lie in memory, over a
 * {@link SegmentedLog}. Batches take effect in the order of the log; one that asked for `sync` is not visible
 * before it is durable.
 */
export class Wal {
  readonly #log: SegmentedLog;
  readonly #applyNow: (batch: WriteBatch, segment: number) => void;
  readonly #onBroken: (error: unknown) => void;
  /** `#pending[#pendingHead ..]` are in the log's hands; `shift` on a long array would cost its length. */
  #pending: Pending[] = [];
  #pendingHead = 0;
  #pendingBytes = 0;
  /** Batches in `#pending` that are not applied yet. */
  #unapplied = 0;
  readonly #slabs = new SlabQueue();
  readonly #scratch = new WriteBatch();

  static async open(
    options: WalOptions,
    apply: (batch: WriteBatch, segment: number) => void,
    onBroken: (error: unknown) => void,
  ): Promise<Wal> {
    const { disk, directory, kernels, segmentBytes, segmentFirst, onBatch, canary } = options;
    const path = joinPath(directory, WAL_DIRECTORY);
    const batch = new WriteBatch();
    const log = await SegmentedLog.open({
      disk,
      directory: path,
      kernels,
      segmentBytes,
      onRecord: ({ type, payload, segment }) => {
        if (segment < segmentFirst) return;
        if (type !== RECORD_BATCH || !batch.decode(payload)) {
          throw new CorruptionError('batch', path, segment, 'a record is not a batch');
        }
        onBatch(batch, segment);
      },
      ...(canary === undefined || canary === 'directory-not-synced' ? {} : { canary }),
    });
    const wal = new Wal(log, apply, onBroken);
    await log.truncateBefore(segmentFirst);
    return wal;
  }

  private constructor(
    log: SegmentedLog,
    apply: (batch: WriteBatch, segment: number) => void,
    onBroken: (error: unknown) => void,
  ) {
    this.#log = log;
    this.#applyNow = apply;
    this.#onBroken = onBroken;
  }

  /** The oldest segment that must stay, given the memtables that are not in tables yet. */
  segmentFirst(memtables: readonly Memtable[]): number {
    let first = Math.min(this.#log.segment, this.#pending[this.#pendingHead]?.segment ?? this.#log.segment);
    for (const memtable of memtables) {
      if (!memtable.isEmpty && memtable.walSegmentFirst < first) first = memtable.walSegmentFirst;
    }
    return first;
  }

  truncateBefore(segment: number): Promise<void> {
    return this.#log.truncateBefore(segment);
  }

  /**
   * @returns when `sync`: a promise for durable and visible. Otherwise undefined, and the batch is visible; or
   * a promise when too much is not on disk yet.
   */
  write(batch: WriteBatch, sync: boolean): Promise<void> | undefined {
    const { segment } = this.#log;
    const { records, slab } = this.#slabs.copy(batch.encoded());
    const isDeferred = sync || this.#unapplied > 0;
    const pending: Pending = { slab, segment, bytes: records.length };
    this.#pending.push(pending);
    this.#pendingBytes += records.length;
    if (isDeferred) this.#unapplied++;
    else this.#applyNow(batch, segment);
    this.#log.append(RECORD_BATCH, [records]);
    const isWaitedFor = isDeferred || this.#pendingBytes > UNSYNCED_BYTES_MAX;
    if (!isWaitedFor) {
      this.#log.commit((error) => this.#committed(pending, undefined, error));
      return undefined;
    }
    return new Promise((resolve, reject) => {
      this.#log.commit((error) => {
        try {
          this.#committed(pending, isDeferred ? records : undefined, error);
          if (error === undefined) resolve();
          else reject(error);
        } catch (failure) {
          reject(failure);
        }
      });
    });
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
    if (records !== undefined) this.#unapplied--;
    if (error !== undefined) {
      this.#onBroken(error);
      return;
    }
    if (records !== undefined) {
      this.#scratch.decode(records);
      this.#applyNow(this.#scratch, pending.segment);
    }
    this.#slabs.free(pending.slab);
  }
}
