import {
  concatBytes,
  type Disk,
  type DiskFile,
  isDiskFull,
  joinPath,
  type Kernels,
  type NodeId,
  type RangeId,
  viewOf,
} from '@holdfast/io';
import type { ErrorCode, SnapshotAck, SnapshotChunk } from '@holdfast/wire';
import { ScratchDirectories } from './scratch-directory.ts';
import {
  decodeSnapshotHead,
  HEAD_LENGTH_BYTES,
  SNAPSHOT_HEAD_BYTES_MAX,
  type SnapshotHead,
} from './snapshot-head.ts';

export interface SnapshotReceiverHost {
  readonly disk: Disk;
  readonly kernels: Kernels;
  readonly self: { readonly nodeId: NodeId };
  acknowledge(to: NodeId, ack: SnapshotAck): void;
  /** There is no room for a snapshot of the range. */
  noRoom(range: RangeId): void;
}

/** A snapshot that arrived in full and is on disk; the engine verifies the files when it takes them in. */
export interface StagedSnapshot {
  readonly head: SnapshotHead;
  readonly paths: readonly string[];
}

/** The same with where it is from. Its files are the receiver's: `release` is owed. */
export interface TakenSnapshot extends StagedSnapshot {
  readonly range: RangeId;
  readonly from: NodeId;
  /** Of the transfer. */
  readonly id: number;
}

/** Ticks without a chunk after which a transfer is taken to be over. Longer than any sender waits for an answer. */
const IDLE_TICKS_MAX = 400;

class Staging {
  readonly from: NodeId;
  readonly id: number;
  readonly index: number;
  readonly term: number;
  readonly directory: string;
  offset = 0;
  crc = 0;
  /** A chunk is being written, or what is here is being removed. */
  busy = false;
  /** Ticks since the last chunk. */
  idleTicks = 0;
  head: SnapshotHead | undefined;
  headBytes: Uint8Array = new Uint8Array(0);
  readonly paths: string[] = [];
  file: DiskFile | undefined;
  /** Bytes of the current file that are there. */
  fileOffset = 0;

  constructor(chunk: SnapshotChunk, directory: string) {
    this.from = chunk.from;
    this.id = chunk.snapshotId;
    this.index = chunk.index;
    this.term = chunk.term;
    this.directory = directory;
  }
}

/**
 * Takes in the chunks of snapshots, one transfer per range, straight to files. Every chunk is answered with how
 * much is here, so a lost or doubled chunk only costs time.
 */
export class SnapshotReceiver {
  readonly #host: SnapshotReceiverHost;
  readonly #directory: string;
  readonly #scratch: ScratchDirectories;
  readonly #stagings = new Map<RangeId, Staging>();
  readonly #complete = new Map<RangeId, TakenSnapshot>();

  constructor(host: SnapshotReceiverHost, directory: string) {
    this.#host = host;
    this.#directory = directory;
    this.#scratch = new ScratchDirectories(host.disk);
  }

  /** What a sender began, or ended, and then lost interest in takes no room for ever. */
  tick(): void {
    for (const [range, staging] of this.#stagings) {
      if (staging.busy || ++staging.idleTicks < IDLE_TICKS_MAX) continue;
      void this.#remove(range, staging);
    }
  }

  /** Settles when nothing is being removed any more. */
  idle(): Promise<void> {
    return this.#scratch.idle();
  }

  chunk(chunk: SnapshotChunk): void {
    let staging = this.#stagings.get(chunk.group);
    if (staging === undefined || staging.id !== chunk.snapshotId || staging.from !== chunk.from) {
      if (staging?.busy === true) return;
      if (chunk.offset !== 0) {
        this.#acknowledge(chunk, 0);
        return;
      }
      void staging?.file?.close().catch(() => undefined);
      staging = new Staging(chunk, this.#directoryOf(chunk.group));
      this.#stagings.set(chunk.group, staging);
      this.#complete.delete(chunk.group);
    }
    staging.idleTicks = 0;
    if (staging.busy) return;
    if (chunk.offset !== staging.offset) {
      this.#acknowledge(chunk, staging.offset);
      return;
    }
    const crc = this.#host.kernels.crc32(chunk.data, 0, chunk.data.length, staging.crc);
    if (crc !== chunk.crc) {
      this.#giveUp(staging, chunk, 'HF_CORRUPTION');
      return;
    }
    staging.busy = true;
    this.#store(staging, chunk).then(
      () => {
        staging.busy = false;
        staging.offset += chunk.data.length;
        staging.crc = crc;
        this.#acknowledge(chunk, staging.offset);
      },
      (error: unknown) => {
        if (isDiskFull(error)) this.#host.noRoom(chunk.group);
        this.#giveUp(staging, chunk, isDiskFull(error) ? 'HF_DISK_FULL' : 'HF_CORRUPTION');
      },
    );
  }

  /** The snapshot of this position, if it arrived in full. No chunk of the range may come before it is given back. */
  take(range: RangeId, index: number, term: number): TakenSnapshot | undefined {
    const staged = this.#complete.get(range);
    if (staged === undefined || staged.head.mark.index !== index || staged.head.mark.term !== term)
      return undefined;
    this.#complete.delete(range);
    this.#stagings.delete(range);
    return staged;
  }

  /** Gives back what was taken, whatever became of it: the tree has links of its own to the files. */
  release({ range }: TakenSnapshot): Promise<void> {
    return this.#scratch.discard(this.#directoryOf(range));
  }

  /** There was no room to install what was taken: whoever sent it is to wait before it sends another. */
  noRoomFor({ range, from, id }: TakenSnapshot): void {
    this.#host.noRoom(range);
    this.#answer(range, from, id, 0, 'HF_DISK_FULL');
  }

  async #store(staging: Staging, chunk: SnapshotChunk): Promise<void> {
    if (chunk.offset === 0) await this.#scratch.take(staging.directory);
    let data = chunk.data;
    if (staging.head === undefined) {
      staging.headBytes = concatBytes([staging.headBytes, data]);
      data = this.#readHead(staging);
    }
    while (data.length > 0) data = await this.#storeInFile(staging, data);
    if (!chunk.done) return;
    if (staging.head === undefined) throw new Error('a snapshot ends inside its head');
    await staging.file?.sync();
    await staging.file?.close();
    staging.file = undefined;
    await this.#host.disk.syncDirectory(staging.directory);
    const { head, paths, from, id } = staging;
    this.#complete.set(chunk.group, { head, paths, range: chunk.group, from, id });
  }

  #directoryOf(range: RangeId): string {
    return joinPath(this.#directory, `in-${range}`);
  }

  /** Reads the head once all of it is here, and returns what follows it. */
  #readHead(staging: Staging): Uint8Array {
    const bytes = staging.headBytes;
    if (bytes.length < HEAD_LENGTH_BYTES) return new Uint8Array(0);
    const end = HEAD_LENGTH_BYTES + viewOf(bytes).getUint32(0, true);
    if (end > SNAPSHOT_HEAD_BYTES_MAX + HEAD_LENGTH_BYTES) throw new Error('a snapshot head above its limit');
    if (bytes.length < end) return new Uint8Array(0);
    const head = decodeSnapshotHead(bytes.subarray(HEAD_LENGTH_BYTES, end));
    if (head === undefined) throw new Error('a snapshot head that this version does not read');
    staging.head = head;
    staging.headBytes = new Uint8Array(0);
    return bytes.subarray(end);
  }

  /** Writes the part of `data` that belongs to the current file and returns the rest. */
  async #storeInFile(staging: Staging, data: Uint8Array): Promise<Uint8Array> {
    const size = staging.head!.files[Math.max(0, staging.paths.length - 1)];
    if (staging.file === undefined || staging.fileOffset === size) {
      await staging.file?.sync();
      await staging.file?.close();
      if (staging.paths.length === staging.head!.files.length) throw new Error('bytes behind the last file');
      const path = joinPath(staging.directory, `${staging.paths.length + 1}.sst`);
      staging.file = await this.#host.disk.open(path, 'exclusive');
      staging.fileOffset = 0;
      staging.paths.push(path);
    }
    const room = staging.head!.files[staging.paths.length - 1] - staging.fileOffset;
    const part = data.subarray(0, room);
    await staging.file.write([part], staging.fileOffset, false);
    staging.fileOffset += part.length;
    return data.subarray(part.length);
  }

  #acknowledge({ group, from, snapshotId }: SnapshotChunk, offset: number): void {
    this.#answer(group, from, snapshotId, offset, undefined);
  }

  /** Says why, when nothing is left here of the transfer. */
  #giveUp(staging: Staging, { group, from, snapshotId }: SnapshotChunk, refusal: ErrorCode): void {
    void this.#remove(group, staging).then(() => this.#answer(group, from, snapshotId, 0, refusal));
  }

  async #remove(range: RangeId, staging: Staging): Promise<void> {
    staging.busy = true;
    this.#complete.delete(range);
    if (staging.file !== undefined) await Promise.allSettled([staging.file.close()]);
    await this.#scratch.discard(staging.directory);
    this.#stagings.delete(range);
  }

  #answer(
    group: RangeId,
    to: NodeId,
    snapshotId: number,
    offset: number,
    refusal: ErrorCode | undefined,
  ): void {
    const { nodeId: from } = this.#host.self;
    this.#host.acknowledge(to, { group, from, to, snapshotId, offset, refusal });
  }
}
