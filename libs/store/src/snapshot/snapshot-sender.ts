import {
  assert,
  type Buggify,
  type Disk,
  type DiskFile,
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
import { clearDirectory } from './scratch-directory.ts';
import { encodeSnapshotHead } from './snapshot-head.ts';

/** Bytes of one chunk. One chunk is on its way at a time: the receiver's disk sets the pace. */
const CHUNK_BYTES = 256 * 1024;
const SMALL_CHUNK_BYTES = 512;
/** Ticks without an answer before the chunk is sent again. */
const RESEND_TICKS = 20;
/** Times a chunk is sent before the transfer is given up. */
const SENDS_MAX = 10;

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
  readonly #transfers = new Map<RangeId, Transfer>();
  /** Ranges whose export is being written, and who is to get it. */
  readonly #preparing = new Map<RangeId, NodeId>();
  #nextId: number;

  /** @param firstId larger than every id that this node has used before, and than 0. */
  constructor(host: SnapshotSenderHost, directory: string, firstId: number) {
    this.#host = host;
    this.#directory = directory;
    this.#nextId = firstId;
  }

  /** Starts a transfer. A second one for the same range fails at once and is asked for again later. */
  request(replica: Replica, to: NodeId): void {
    if (this.#transfers.has(replica.id) || this.#preparing.has(replica.id)) {
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
      () => {
        this.#preparing.delete(replica.id);
        this.#host.snapshotSent(replica.id, to, undefined);
      },
    );
  }

  /** A transfer of the range is under way, or prepared. */
  isSending(range: RangeId): boolean {
    return this.#transfers.has(range) || this.#preparing.has(range);
  }

  acknowledged(ack: SnapshotAck): void {
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
    for (const transfer of this.#transfers.values()) {
      if (transfer.chunk === undefined || ++transfer.ticksWaited < RESEND_TICKS) continue;
      transfer.ticksWaited = 0;
      if (++transfer.sends > SENDS_MAX) this.#end(transfer, false);
      else this.#host.sendChunk(transfer.to, transfer.chunk);
    }
  }

  stop(): void {
    for (const transfer of this.#transfers.values()) this.#close(transfer);
  }

  /** The export shows exactly what is applied when it is asked for: the tree pins that state at once. */
  async #prepare(replica: Replica, to: NodeId): Promise<Transfer> {
    const { disk, tree } = this.#host;
    const directory = joinPath(this.#directory, `out-${replica.id}`);
    const localDirectory = joinPath(this.#directory, `out-${replica.id}-local`);
    await clearDirectory(disk, directory);
    await clearDirectory(disk, localDirectory);
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
    // What is left of the files is removed before the next export of the range, and at the next start.
    void Promise.allSettled(transfer.files.map((file) => file.close()));
  }
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
