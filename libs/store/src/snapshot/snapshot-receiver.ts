import {
  concatBytes,
  type Disk,
  type DiskFile,
  joinPath,
  type Kernels,
  type NodeId,
  type RangeId,
  viewOf,
} from '@holdfast/io';
import type { SnapshotAck, SnapshotChunk } from '@holdfast/wire';
import { clearDirectory } from './scratch-directory.ts';
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
}

/** A snapshot that arrived in full and is on disk; the engine verifies the files when it takes them in. */
export interface StagedSnapshot {
  readonly head: SnapshotHead;
  readonly paths: readonly string[];
}

class Staging {
  readonly from: NodeId;
  readonly id: number;
  readonly index: number;
  readonly term: number;
  readonly directory: string;
  offset = 0;
  crc = 0;
  /** A chunk is being written. */
  busy = false;
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
  readonly #stagings = new Map<RangeId, Staging>();
  readonly #complete = new Map<RangeId, StagedSnapshot>();

  constructor(host: SnapshotReceiverHost, directory: string) {
    this.#host = host;
    this.#directory = directory;
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
      staging = new Staging(chunk, joinPath(this.#directory, `in-${chunk.group}`));
      this.#stagings.set(chunk.group, staging);
      this.#complete.delete(chunk.group);
    }
    if (staging.busy) return;
    if (chunk.offset !== staging.offset) {
      this.#acknowledge(chunk, staging.offset);
      return;
    }
    const crc = this.#host.kernels.crc32(chunk.data, 0, chunk.data.length, staging.crc);
    if (crc !== chunk.crc) {
      this.#refuse(chunk);
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
      () => this.#refuse(chunk),
    );
  }

  /** The snapshot of this position, if it arrived in full. It is the caller's from now on. */
  take(range: RangeId, index: number, term: number): StagedSnapshot | undefined {
    const staged = this.#complete.get(range);
    if (staged === undefined || staged.head.mark.index !== index || staged.head.mark.term !== term)
      return undefined;
    this.#complete.delete(range);
    this.#stagings.delete(range);
    return staged;
  }

  async #store(staging: Staging, chunk: SnapshotChunk): Promise<void> {
    if (chunk.offset === 0) await clearDirectory(this.#host.disk, staging.directory);
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
    this.#complete.set(chunk.group, { head: staging.head, paths: staging.paths });
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

  #acknowledge(chunk: SnapshotChunk, offset: number): void {
    this.#answer(chunk, offset, undefined);
  }

  #refuse(chunk: SnapshotChunk): void {
    const staging = this.#stagings.get(chunk.group);
    void staging?.file?.close().catch(() => undefined);
    this.#stagings.delete(chunk.group);
    this.#answer(chunk, 0, 'HF_CORRUPTION');
  }

  #answer(chunk: SnapshotChunk, offset: number, refusal: SnapshotAck['refusal']): void {
    const { group, from, to, snapshotId } = chunk;
    this.#host.acknowledge(from, { group, from: to, to: from, snapshotId, offset, refusal });
  }
}
