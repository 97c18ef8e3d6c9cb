import {
  assert,
  type Buggify,
  type Disk,
  type DiskFile,
  isDiskFull,
  joinPath,
  type Kernels,
  type NodeId,
  type RangeId,
} from '@holdfast/io';
import type { Tree } from '@holdfast/lsm';
import type { SnapshotMeta } from '@holdfast/raft';
import { type SnapshotAck, type SnapshotChunk } from '@holdfast/wire';
import {
  type AppliedMark,
  appliedMarkOf,
  decodeAppliedMark,
  descriptorMarkOf,
} from '../range/applied-mark.ts';
import { decodeDescriptor, type RangeDescriptor } from '../range/descriptor.ts';
import type { NodeBuggifyPoint } from '../node/buggify.ts';
import type { Replica } from '../range/replica.ts';
import { localKeys } from '../tree-keys.ts';
import { ScratchDirectories } from './scratch-directory.ts';
import { encodeSnapshotHead } from './snapshot-head.ts';

/** Bytes of one chunk. One chunk is on its way at a time: the receiver's disk sets the pace. */
const CHUNK_BYTES = 256 * 1024;
const SMALL_CHUNK_BYTES = 512;
/** Ticks without an answer before the chunk is sent again. */
const RESEND_TICKS = 20;
/** Times a chunk is sent before the transfer is given up. */
const SENDS_MAX = 10;
/** Ticks before a range is exported again for a receiver that had no room for it, or while there is no room here. */
const NO_ROOM_TICKS = 100;

export interface SnapshotSenderHost {
  readonly disk: Disk;
  readonly kernels: Kernels;
  readonly buggify: Buggify<NodeBuggifyPoint>;
  readonly tree: Tree;
  readonly self: { readonly nodeId: NodeId };
  /** False when the peer is not connected: it is tried again later. */
  sendChunk(to: NodeId, chunk: SnapshotChunk): boolean;
  /** The transfer is over. With `meta`: the peer holds all of it. */
  snapshotSent(range: RangeId, to: NodeId, meta: SnapshotMeta | undefined): void;
  /** There is no room to export the range. */
  noRoom(range: RangeId): void;
}

interface Transfer {
  readonly replica: Replica;
  readonly to: NodeId;
  readonly id: number;
  readonly meta: SnapshotMeta;
  readonly head: Uint8Array;
  readonly files: readonly DiskFile[];
  readonly total: number;
  /** Acknowledged by the receiver: up to where, and the checksum up to there. */
  offset: number;
  crc: number;
  /** The chunk on its way. */
  chunk: SnapshotChunk | undefined;
  sends: number;
  ticksWaited: number;
}

/**
 * Sends ranges to replicas that the log can no longer bring up to date. One transfer per range at a time;
 * resumed where it stopped after a broken connection; given up when the peer stays silent.
 */
export class SnapshotSender {
  readonly #host: SnapshotSenderHost;
  readonly #directory: string;
  readonly #scratch: ScratchDirectories;
  readonly #transfers = new Map<RangeId, Transfer>();
  /** Ranges whose export is being written, and who is to get it. */
  readonly #preparing = new Map<RangeId, NodeId>();
  /** For each range and receiver without room for it: ticks until the next try. */
  readonly #pauses = new Map<string, number>();
  #nextId: number;

  /** @param firstId larger than every id that this node has used before, and than 0. */
  constructor(host: SnapshotSenderHost, directory: string, firstId: number) {
    this.#host = host;
    this.#directory = directory;
    this.#scratch = new ScratchDirectories(host.disk);
    this.#nextId = firstId;
  }

  /**
   * Starts a transfer. A second one for the same range fails at once and is asked for again later; so does one to a
   * receiver that has just been without room.
   */
  request(replica: Replica, to: NodeId): void {
    if (this.isSending(replica.id) || this.#pauses.has(pauseKey(replica.id, to))) {
      this.#host.snapshotSent(replica.id, to, undefined);
      return;
    }
    this.#preparing.set(replica.id, to);
    this.#prepare(replica, to).then(
      (transfer) => {
        this.#preparing.delete(replica.id);
        this.#transfers.set(replica.id, transfer);
        this.#sendNext(transfer);
      },
      (error: unknown) => {
        this.#preparing.delete(replica.id);
        void this.#discard(replica.id);
        if (isDiskFull(error)) {
          this.#pause(replica.id, to);
          this.#host.noRoom(replica.id);
        }
        this.#host.snapshotSent(replica.id, to, undefined);
      },
    );
  }

  /** A transfer of the range is under way, or prepared. */
  isSending(range: RangeId): boolean {
    return this.#transfers.has(range) || this.#preparing.has(range);
  }

  acknowledged(ack: SnapshotAck): void {
    // Also of a transfer that is over: the receiver had room for the files, and none to install them.
    if (ack.refusal === 'HF_DISK_FULL') this.#pause(ack.group, ack.from);
    const transfer = this.#transfers.get(ack.group);
    if (transfer === undefined || transfer.id !== ack.snapshotId || transfer.to !== ack.from) return;
    if (ack.refusal !== undefined || this.#host.buggify('transfer-given-up')) {
      this.#end(transfer, false);
      return;
    }
    const { chunk } = transfer;
    if (chunk === undefined || ack.offset !== chunk.offset + chunk.data.length) {
      // The receiver lost what it had (it restarted): begin again; anything else is an old answer.
      if (ack.offset === 0 && transfer.offset > 0) this.#rewind(transfer);
      return;
    }
    transfer.offset = ack.offset;
    transfer.crc = chunk.crc;
    transfer.chunk = undefined;
    if (transfer.offset === transfer.total) this.#end(transfer, true);
    else this.#sendNext(transfer);
  }

  tick(): void {
    for (const [key, ticks] of this.#pauses) {
      if (ticks > 1) this.#pauses.set(key, ticks - 1);
      else this.#pauses.delete(key);
    }
    for (const transfer of this.#transfers.values()) {
      if (transfer.chunk === undefined || ++transfer.ticksWaited < RESEND_TICKS) continue;
      transfer.ticksWaited = 0;
      if (++transfer.sends > SENDS_MAX) this.#end(transfer, false);
      else this.#host.sendChunk(transfer.to, transfer.chunk);
    }
  }

  /** Settles when nothing is being removed any more. */
  async stop(): Promise<void> {
    for (const transfer of this.#transfers.values()) this.#close(transfer);
    await this.#scratch.idle();
  }

  /** The export shows exactly what is applied when it is asked for: the tree pins that state at once. */
  async #prepare(replica: Replica, to: NodeId): Promise<Transfer> {
    const { disk, tree } = this.#host;
    const directory = this.#directoryOf(replica.id);
    const localDirectory = `${directory}-local`;
    await this.#scratch.take(directory);
    await this.#scratch.take(localDirectory);
    const { mark, descriptor } = stateOf(tree, replica.id);
    const local = localKeys(replica.id);
    // Both begin before anything else can be applied: they show one state.
    const exports = await allEnded([
      tree.exportRange(directory, descriptor.start, descriptor.end),
      tree.exportRange(localDirectory, local.start, local.end),
    ]);
    const tables = exports.flatMap((part) => part.tables);
    const rangeTombstones = exports.flatMap((part) => part.rangeTombstones);
    const horizon = Math.max(...exports.map((part) => part.horizon));
    const files = await openAll(disk, tables);
    const sizes = files.map((file) => file.size);
    const head = encodeSnapshotHead({ mark, descriptor, rangeTombstones, horizon, files: sizes });
    return {
      replica,
      to,
      id: this.#nextId++,
      meta: { index: mark.index, term: mark.term, conf: descriptor.conf },
      head,
      files,
      total: sizes.reduce((sum, size) => sum + size, head.length),
      offset: 0,
      crc: 0,
      chunk: undefined,
      sends: 0,
      ticksWaited: 0,
    };
  }

  #rewind(transfer: Transfer): void {
    transfer.offset = 0;
    transfer.crc = 0;
    transfer.chunk = undefined;
    this.#sendNext(transfer);
  }

  #sendNext(transfer: Transfer): void {
    const { offset } = transfer;
    this.#read(transfer, offset).then(
      (data) => {
        if (this.#transfers.get(transfer.replica.id) !== transfer || transfer.offset !== offset) return;
        const end = offset + data.length;
        transfer.chunk = {
          group: transfer.replica.id,
          from: this.#host.self.nodeId,
          to: transfer.to,
          snapshotId: transfer.id,
          term: transfer.meta.term,
          index: transfer.meta.index,
          offset,
          total: transfer.total,
          crc: this.#host.kernels.crc32(data, 0, data.length, transfer.crc),
          done: end === transfer.total,
          data,
        };
        transfer.sends = 1;
        transfer.ticksWaited = 0;
        this.#host.sendChunk(transfer.to, transfer.chunk);
      },
      () => this.#end(transfer, false),
    );
  }

  /** Bytes of the stream from `offset`: up to a chunk, never across the end of a file. */
  async #read(transfer: Transfer, offset: number): Promise<Uint8Array> {
    const { head, files } = transfer;
    const bytesMax = this.#host.buggify('small-chunk') ? SMALL_CHUNK_BYTES : CHUNK_BYTES;
    if (offset < head.length) return head.subarray(offset, offset + bytesMax);
    let start = head.length;
    for (const file of files) {
      if (offset < start + file.size) {
        const data = new Uint8Array(Math.min(bytesMax, start + file.size - offset));
        const length = await file.read(data, offset - start);
        return data.subarray(0, length);
      }
      start += file.size;
    }
    return new Uint8Array(0);
  }

  #end(transfer: Transfer, ok: boolean): void {
    this.#close(transfer);
    this.#host.snapshotSent(transfer.replica.id, transfer.to, ok ? transfer.meta : undefined);
  }

  #close(transfer: Transfer): void {
    this.#transfers.delete(transfer.replica.id);
    void Promise.allSettled(transfer.files.map((file) => file.close()));
    void this.#discard(transfer.replica.id);
  }

  /** Removes an export, so that it takes no room. Its files may still be open. */
  async #discard(range: RangeId): Promise<void> {
    const directory = this.#directoryOf(range);
    await Promise.all([this.#scratch.discard(directory), this.#scratch.discard(`${directory}-local`)]);
  }

  #pause(range: RangeId, to: NodeId): void {
    this.#pauses.set(pauseKey(range, to), NO_ROOM_TICKS);
  }

  #directoryOf(range: RangeId): string {
    return joinPath(this.#directory, `out-${range}`);
  }
}

function pauseKey(range: RangeId, to: NodeId): string {
  return `${range}/${to}`;
}

/**
 * What the tree holds of the range in this moment. Not what the replica says of itself: it hears of an entry that had to
 * wait for the disk a moment after the tree has it, and a snapshot with the older mark would have it applied twice.
 */
function stateOf(
  tree: Tree,
  range: RangeId,
): { readonly mark: AppliedMark; readonly descriptor: RangeDescriptor } {
  const [mark, described] = [tree.mark(appliedMarkOf(range)), tree.mark(descriptorMarkOf(range))];
  assert(mark !== undefined && described !== undefined, 'who leads a range has its state');
  const descriptor = decodeDescriptor(described);
  assert(descriptor !== undefined, 'a stored descriptor is readable');
  return { mark: decodeAppliedMark(mark), descriptor };
}

async function openAll(
  disk: Disk,
  tables: readonly { readonly path: string }[],
): Promise<readonly DiskFile[]> {
  const files: DiskFile[] = [];
  try {
    for (const { path } of tables) files.push(await disk.open(path, 'never'));
    return files;
  } catch (error) {
    await Promise.allSettled(files.map((file) => file.close()));
    throw error;
  }
}

/**
 * What all of them gave, or the first failure, when none is at work any more: the next export of the range clears the
 * directories that they write to.
 */
async function allEnded<T>(work: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
