import {
  assert,
  type Buggify,
  type DiskError,
  isDiskFull,
  type DiskFile,
  joinPath,
  type Kernels,
  neverBuggify,
  pureKernels,
  viewOf,
} from '@holdfast/io';
import type { LsmBuggifyPoint } from '../buggify.ts';
import { BrokenError, ClosedError } from '../errors.ts';
import {
  RECORD_HEAD_BYTES,
  recordBytes,
  SEAL_TYPE,
  sealRecord,
  SEGMENT_HEADER_BYTES,
  segmentName,
} from './log-format.ts';
import type { CommitCallback, CommittedGroup, PendingRecord, SegmentedLogOptions } from './log-options.ts';
import { listSegments, type LogPosition, recoverLog, type RecoveryOptions } from './log-recovery.ts';
import { makeDurable } from './make-durable.ts';
import { SegmentFiles } from './segment-files.ts';

/** Payload of one record, in bytes. */
export const LOG_RECORD_BYTES_MAX = 64 * 1024 * 1024;
/** Size of a segment unless told otherwise, in bytes. A larger record gets a segment of its own size. */
export const SEGMENT_BYTES_DEFAULT = 16 * 1024 * 1024;
/** Commits above this wait for the next group: it is encoded in one turn, and those before it hear of theirs sooner. */
const GROUP_BYTES_MAX = 1024 * 1024;
/** A group's buffer above this is given back after use, in bytes. */
const GROUP_BUFFER_KEEP_BYTES = 4 * 1024 * 1024;

/** A commit that waits, and what had been appended when it was asked for, since the log was opened. */
interface Waiting {
  readonly done: CommitCallback;
  readonly records: number;
  readonly bytes: number;
}

/**
 * An append-only log of records in segments of fixed, zero-filled size, with group commit: while one group is
 * being written and synced, the next one collects. One write and one sync per group, whoever takes part.
 *
 * A failed write or sync breaks the log for good (ADR 0008): it is never retried, and everyone who waits or
 * comes later hears of it.
 */
export class SegmentedLog {
  readonly #files: SegmentFiles;
  readonly #kernels: Kernels;
  readonly #checkpoint: () => readonly PendingRecord[];
  readonly #forgetSync: boolean;
  readonly #segmentBytes: number;
  readonly #onFull: SegmentedLogOptions['onFull'];
  readonly #buggify: Buggify<LsmBuggifyPoint>;
  #file: DiskFile;
  #segment: number;
  /** Where the group that is being written begins. */
  #groupSegment: number | undefined;
  #firstSegment: number;
  /** Where the next record goes in the current segment. */
  #offset: number;
  /** The segment goes on from an earlier one and has no checkpoint yet: the next group writes it first. */
  #checkpointDue: boolean;
  #group: number;
  #queue: PendingRecord[] = [];
  /** Who waits for the group that is being written, and for the one that collects. */
  #served: Waiting[] = [];
  #waiting: Waiting[] = [];
  /** Records and bytes appended since the log was opened, and those that groups have taken. */
  #appended = 0;
  #appendedBytes = 0;
  #taken = 0;
  #takenBytes = 0;
  /** Bytes of all records that are not on disk. */
  #openBytes = 0;
  #writing: Promise<void> | undefined;
  #buffer: Uint8Array = new Uint8Array(64 * 1024);
  #view: DataView = viewOf(this.#buffer);
  #failure: Error | undefined;
  #closed = false;
  /** Goes on with a group that waits for room. */
  #retry: (() => void) | undefined;
  #truncating: Promise<void> = Promise.resolve();

  /**
   * Recovers the log and makes it ready to append.
   * @throws CorruptionError for damage that is not a torn tail; DiskError.
   */
  static async open(options: SegmentedLogOptions): Promise<SegmentedLog> {
    const { disk, directory } = options;
    const kernels = options.kernels ?? pureKernels;
    const segmentBytes = options.segmentBytes ?? SEGMENT_BYTES_DEFAULT;
    await disk.makeDirectory(directory);
    const segments = await listSegments(disk, directory);
    const recovery: RecoveryOptions = {
      disk,
      directory,
      kernels,
      onRecord: options.onRecord,
      truncateOnDamage: options.canary === 'truncate-on-middle-damage',
    };
    const tail = await recoverLog(recovery, segments);
    if (tail?.torn === true) options.mayCut?.(joinPath(directory, segmentName(tail.segment)), tail.offset);
    const files = await SegmentFiles.open(
      disk,
      directory,
      kernels,
      segmentBytes,
      options.canary === 'directory-not-synced',
    );
    if (tail !== undefined) await makeDurable(disk, directory, tail);
    if (tail === undefined || tail.sealed) {
      const segment = tail === undefined ? 1 : tail.segment + 1;
      const file = await files.begin(segment, segmentBytes);
      const group = tail?.group ?? 0;
      return new SegmentedLog(
        options,
        files,
        file,
        segment,
        segments[0] ?? segment,
        SEGMENT_HEADER_BYTES,
        group,
        tail !== undefined,
      );
    }
    const file = await disk.open(joinPath(directory, segmentName(tail.segment)), 'never');
    files.prepareNext();
    const { segment, offset, group } = tail;
    // The process before may have died between the segment and its checkpoint.
    const lacksCheckpoint = offset === SEGMENT_HEADER_BYTES && segment !== segments[0];
    return new SegmentedLog(options, files, file, segment, segments[0]!, offset, group, lacksCheckpoint);
  }

  private constructor(
    options: SegmentedLogOptions,
    files: SegmentFiles,
    file: DiskFile,
    segment: number,
    firstSegment: number,
    offset: number,
    group: number,
    checkpointDue: boolean,
  ) {
    this.#checkpointDue = checkpointDue;
    this.#files = files;
    this.#kernels = options.kernels ?? pureKernels;
    this.#checkpoint = options.checkpoint ?? (() => []);
    this.#forgetSync = options.canary === 'forget-sync';
    this.#segmentBytes = options.segmentBytes ?? SEGMENT_BYTES_DEFAULT;
    this.#onFull = options.onFull;
    this.#buggify = options.buggify ?? neverBuggify;
    this.#file = file;
    this.#segment = segment;
    this.#firstSegment = firstSegment;
    this.#offset = offset;
    this.#group = group;
  }

  /** The segment that is being written. */
  get segment(): number {
    return this.#segment;
  }

  /**
   * No segment before this one will get any record of which a commit has not told yet. Behind `segment` while a
   * group is being written that goes on in several.
   */
  get settledSegment(): number {
    return this.#groupSegment ?? this.#segment;
  }

  /** What is appended from now on lies here or later; everything before is durable. */
  get position(): LogPosition {
    return { segment: this.#segment, offset: this.#offset };
  }

  /**
   * Is there room for one more record of so many bytes, whatever the disk says? True only when it fits, with
   * everything appended before it, into space that is allocated already.
   */
  canHold(payload: number): boolean {
    const bytes = this.#openBytes + recordBytes(payload);
    if (bytes <= this.#room) return true;
    const [next = 0] = this.#files.ready;
    return bytes <= next - SEGMENT_HEADER_BYTES - recordBytes(0);
  }

  /** The disk is full: when this segment is, nothing more can be written. Writes that fit into it still can. */
  get isShort(): boolean {
    return this.#files.isShort || this.#retry !== undefined;
  }

  /** Tries again to make room for the next segment. */
  makeRoom(): void {
    this.#files.prepareNext();
    this.#retry?.();
  }

  /** The oldest segment on disk. */
  get firstSegment(): number {
    return this.#firstSegment;
  }

  /** Adds a record to the open group. Nothing is written before `commit`. */
  append(type: number, parts: readonly Uint8Array[]): void {
    assert(type > SEAL_TYPE && type < 256, 'a record type is 1 .. 255');
    const record = { type, parts };
    const bytes = recordBytes(payloadBytes(record));
    this.#openBytes += bytes;
    this.#appendedBytes += bytes;
    this.#appended++;
    this.#queue.push(record);
  }

  /** Makes everything appended so far durable, then calls back. Groups end in the order of their commits. */
  commit(done: CommitCallback): void {
    if (this.#failure !== undefined || this.#closed) {
      done(this.#failure ?? new ClosedError('the log'), undefined);
      return;
    }
    this.#waiting.push({ done, records: this.#appended, bytes: this.#appendedBytes });
    // Not now: what the rest of this turn appends belongs to the same group.
    this.#writing ??= Promise.resolve().then(() => this.#writeGroups());
  }

  /** Drops segments before `segment`; their files are used again. Never the one that is being written. */
  truncateBefore(segment: number): Promise<void> {
    const truncated = this.#truncating.then(() => this.#truncateBefore(segment));
    this.#truncating = truncated.catch(() => undefined);
    return truncated;
  }

  async #truncateBefore(segment: number): Promise<void> {
    const end = Math.min(segment, this.#segment);
    while (this.#firstSegment < end && this.#failure === undefined) {
      const dropped = this.#firstSegment++;
      await this.#files.retire(dropped);
    }
  }

  /** Resolves when nothing that was committed is left to write. */
  async idle(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  /** Waits for the group being written, then closes. What was appended and not committed is lost. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#retry?.();
    await this.#writing;
    await this.#truncating;
    await this.#files.close();
    await this.#file.close();
  }

  async #writeGroups(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const first = this.#taken;
        let records = this.#takeGroup();
        const bytes = sumOf(records);
        let refused: Refused | undefined;
        if (this.#onFull === 'refuse' && this.#fitting(records, 0) < records.length)
          refused = await this.#refuseWithoutRoom(records, first);
        if (refused !== undefined) records = records.slice(0, refused.records);
        this.#groupSegment = this.#segment;
        const group = await this.#writeGroup(records);
        this.#openBytes -= bytes;
        for (const { done, records: end } of this.#served.splice(0)) {
          if (refused !== undefined && end - first > refused.records) done(refused.error, undefined);
          else done(undefined, group);
        }
        this.#groupSegment = undefined;
      }
    } catch (error) {
      this.#break(error);
    }
    this.#writing = undefined;
  }

  /** What is written next, and in `#served` whom it serves: all that waits, or what fits a group; one commit at least. */
  #takeGroup(): readonly PendingRecord[] {
    const bytesMax = this.#takenBytes + GROUP_BYTES_MAX;
    const next = this.#waiting.findIndex(({ bytes }, i) => i > 0 && bytes > bytesMax);
    const rest = next < 0 ? [] : this.#waiting.splice(next);
    const last = this.#waiting.at(-1);
    const count = next < 0 || last === undefined ? this.#queue.length : last.records - this.#taken;
    const records = this.#queue;
    this.#queue = records.splice(count);
    this.#served = this.#waiting;
    this.#waiting = rest;
    this.#taken += count;
    this.#takenBytes = next < 0 || last === undefined ? this.#appendedBytes : last.bytes;
    return records;
  }

  /**
   * Makes room for a group before any of it is written. When there is not enough: how many of its records are
   * written all the same. That is where a commit ends, so that each is written whole or not at all.
   * @param first records taken before this group.
   */
  async #refuseWithoutRoom(records: readonly PendingRecord[], first: number): Promise<Refused | undefined> {
    try {
      await this.#files.reserve(this.#segmentsFor(records, Number.POSITIVE_INFINITY).sizes);
      return undefined;
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      const { fitting } = this.#segmentsFor(records, this.#files.ready.length);
      const last = this.#served.findLast((commit) => commit.records - first <= fitting);
      return { records: last === undefined ? 0 : last.records - first, error };
    }
  }

  /** Sizes of the segments that the group goes on in, and how many records fit with so many of them. */
  #segmentsFor(
    records: readonly PendingRecord[],
    segmentsMax: number,
  ): { readonly sizes: readonly number[]; readonly fitting: number } {
    const sizes: number[] = [];
    let fitting = this.#fitting(records, 0);
    while (fitting < records.length && sizes.length < segmentsMax) {
      const bytes = Math.max(this.#segmentBytes, this.#bytesNeeded(payloadBytes(records[fitting]!), []));
      const ready = this.#files.ready[sizes.length];
      if (Number.isFinite(segmentsMax) && (ready ?? 0) < bytes) break;
      sizes.push(bytes);
      fitting += this.#fitting(records, fitting, bytes - SEGMENT_HEADER_BYTES - recordBytes(0));
    }
    return { sizes, fitting };
  }

  async #writeGroup(records: readonly PendingRecord[]): Promise<CommittedGroup> {
    const firstSegment = this.#segment;
    let next = 0;
    while (next < records.length) {
      const full = this.#offset > SEGMENT_HEADER_BYTES && this.#buggify('segment-full');
      const count = full ? 0 : this.#fitting(records, next);
      if (count > 0) {
        if (this.#checkpointDue) await this.#writeDueCheckpoint();
        await this.#write(records, next, next + count);
      }
      next += count;
      if (next < records.length) await this.#rotate(payloadBytes(records[next]!));
    }
    return { firstSegment, lastSegment: this.#segment };
  }

  /** How many of the records from `from` fit into the rest of the segment, a seal behind them. */
  #fitting(records: readonly PendingRecord[], from: number, segmentRoom = this.#room): number {
    let room = segmentRoom;
    let count = 0;
    while (from + count < records.length) {
      const bytes = payloadBytes(records[from + count]!);
      assert(bytes <= LOG_RECORD_BYTES_MAX, 'record larger than LOG_RECORD_BYTES_MAX');
      room -= recordBytes(bytes);
      if (room < 0) break;
      count++;
    }
    return count;
  }

  /** Bytes for records in the current segment, a seal behind them. */
  get #room(): number {
    const due = this.#checkpointDue ? sumOf(this.#checkpoint()) : 0;
    return this.#file.size - this.#offset - recordBytes(0) - due;
  }

  async #writeDueCheckpoint(): Promise<void> {
    const checkpoint = this.#checkpoint();
    if (checkpoint.length > 0) await this.#write(checkpoint, 0, checkpoint.length);
    this.#checkpointDue = false;
  }

  async #write(records: readonly PendingRecord[], from: number, to: number): Promise<void> {
    let length = 0;
    for (let i = from; i < to; i++) length += recordBytes(payloadBytes(records[i]!));
    this.#reserve(length);
    this.#group = (this.#group + 1) >>> 0;
    let at = 0;
    for (let i = from; i < to; i++) at = this.#encode(records[i]!, at, i === to - 1);
    await this.#file.write([this.#buffer.subarray(0, length)], this.#offset, !this.#forgetSync);
    this.#offset += length;
    if (this.#buffer.length > GROUP_BUFFER_KEEP_BYTES) {
      this.#buffer = new Uint8Array(64 * 1024);
      this.#view = viewOf(this.#buffer);
    }
  }

  /** Writes one record into the group's buffer and returns the position behind it. */
  #encode(record: PendingRecord, at: number, groupEnd: boolean): number {
    let cursor = at + RECORD_HEAD_BYTES;
    for (const part of record.parts) {
      this.#buffer.set(part, cursor);
      cursor += part.length;
    }
    const payload = cursor - at - RECORD_HEAD_BYTES;
    const end = at + recordBytes(payload);
    this.#buffer.fill(0, cursor, end);
    sealRecord(this.#kernels, this.#buffer, this.#view, at, this.#segment, this.#offset + at, {
      type: record.type,
      group: this.#group,
      groupEnd,
      payloadBytes: payload,
    });
    return end;
  }

  /**
   * Ends the segment with a seal and goes on in the next. Invariant: a segment's file has its name only after
   * the seal of the one before is durable, so a missing seal in front of another segment is damage.
   */
  async #rotate(nextPayloadBytes: number): Promise<void> {
    await this.#write([{ type: SEAL_TYPE, parts: [] }], 0, 1);
    const checkpoint = this.#checkpoint();
    const needed = this.#bytesNeeded(nextPayloadBytes, checkpoint);
    const file = await this.#begin(this.#segment + 1, Math.max(this.#segmentBytes, needed));
    await this.#file.close();
    this.#file = file;
    this.#segment++;
    this.#offset = SEGMENT_HEADER_BYTES;
    this.#checkpointDue = false;
    if (checkpoint.length > 0) await this.#write(checkpoint, 0, checkpoint.length);
  }

  async #begin(segment: number, bytes: number): Promise<DiskFile> {
    for (;;) {
      try {
        return await this.#files.begin(segment, bytes);
      } catch (error) {
        if (this.#onFull !== 'wait' || !isDiskFull(error) || this.#closed) throw error;
        await new Promise<void>((resolve) => (this.#retry = resolve));
        this.#retry = undefined;
      }
    }
  }

  /** Bytes of a segment that takes its checkpoint and one record. */
  #bytesNeeded(nextPayloadBytes: number, checkpoint: readonly PendingRecord[]): number {
    return SEGMENT_HEADER_BYTES + recordBytes(0) + recordBytes(nextPayloadBytes) + sumOf(checkpoint);
  }

  #reserve(length: number): void {
    if (length <= this.#buffer.length) return;
    this.#buffer = new Uint8Array(
      Math.max(length, Math.min(2 * this.#buffer.length, GROUP_BUFFER_KEEP_BYTES)),
    );
    this.#view = viewOf(this.#buffer);
  }

  #break(error: unknown): void {
    this.#failure = new BrokenError('the log', error);
    const commits = [...this.#served.splice(0), ...this.#waiting.splice(0)];
    this.#queue = [];
    for (const { done } of commits) done(this.#failure, undefined);
  }
}

/** Commits that found no room. */
interface Refused {
  /** Records of the group before them: these are written. */
  readonly records: number;
  readonly error: DiskError;
}

function sumOf(records: readonly PendingRecord[]): number {
  let bytes = 0;
  for (const record of records) bytes += recordBytes(payloadBytes(record));
  return bytes;
}

function payloadBytes(record: PendingRecord): number {
  let bytes = 0;
  for (const part of record.parts) bytes += part.length;
  return bytes;
}
