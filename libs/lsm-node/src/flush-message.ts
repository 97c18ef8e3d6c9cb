import { transferable, type Transferable } from '@holdfast/io';
import type { FlushJob } from '@holdfast/lsm';
import { packTombstones, type PackedTombstone, unpackTombstones } from './compaction-message.ts';

/** A memtable on its way to another thread and back: used again for the next one, so that its pages stay warm. */
export interface FlushBuffers {
  readonly records: Transferable<ArrayBuffer>;
  readonly order: Transferable<ArrayBuffer>;
}

/** A {@link FlushJob} as it crosses. */
export type PackedFlush = Omit<FlushJob, 'records' | 'order' | 'rangeTombstones'> & {
  readonly buffers: FlushBuffers;
  readonly recordBytes: number;
  readonly rangeTombstones: readonly PackedTombstone[];
  readonly keys: Transferable<ArrayBuffer>;
};

/** Bytes copied between two turns of the loop: a tenth of a millisecond, a quarter when the memory is new. */
const SLICE_BYTES = 512 * 1024;
const ADDRESS_BYTES = 4;

/** Copies a memtable in slices between which `breathe` gives the loop back, into `used` if that is large enough. */
export async function packFlush(
  { records, order, rangeTombstones, ...job }: FlushJob,
  used: FlushBuffers | undefined,
  breathe: () => Promise<void>,
): Promise<PackedFlush> {
  const bytes = new Uint8Array(bufferFor(records.length, used?.records));
  for (let start = 0; start < records.length; start += SLICE_BYTES) {
    bytes.set(records.subarray(start, start + SLICE_BYTES), start);
    await breathe();
  }
  const addresses = new Uint32Array(bufferFor(job.count * ADDRESS_BYTES, used?.order));
  let at = 0;
  let breath = SLICE_BYTES / ADDRESS_BYTES / 8;
  for (const part of order) {
    // Parts are short: a loop beats a call.
    for (let i = 0; i < part.length; i++) addresses[at++] = part[i]!;
    if (at < breath) continue;
    breath = at + SLICE_BYTES / ADDRESS_BYTES / 8;
    await breathe();
  }
  const { packed, keys } = packTombstones(rangeTombstones);
  const buffers = { records: transferable(bytes.buffer), order: transferable(addresses.buffer) };
  return { ...job, rangeTombstones: packed, keys, recordBytes: records.length, buffers };
}

export function unpackFlush({ buffers, recordBytes, rangeTombstones, keys, ...job }: PackedFlush): FlushJob {
  return {
    ...job,
    records: new Uint8Array(buffers.records, 0, recordBytes),
    order: [new Uint32Array(buffers.order, 0, job.count)],
    rangeTombstones: unpackTombstones(rangeTombstones, keys),
  };
}

function bufferFor(bytes: number, used: ArrayBuffer | undefined): ArrayBuffer {
  return used !== undefined && used.byteLength >= bytes ? used : new ArrayBuffer((bytes + 7) & ~7);
}
