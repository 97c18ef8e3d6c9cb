import { assert, shareable, type Shareable, type Transferable } from '@holdfast/io';
import type { FlushJob } from '@holdfast/lsm';
import { packTombstones, type PackedTombstone, unpackTombstones } from './compaction-message.ts';

/** A {@link FlushJob} as it crosses: both threads read the same records. */
export type PackedFlush = Omit<FlushJob, 'records' | 'order' | 'rangeTombstones'> & {
  readonly records: Shareable<Uint8Array<SharedArrayBuffer>>;
  readonly addresses: Shareable<SharedArrayBuffer>;
  readonly rangeTombstones: readonly PackedTombstone[];
  readonly keys: Transferable<ArrayBuffer>;
};

/** Addresses copied between two turns of the loop: about a tenth of a millisecond. */
const SLICE_ADDRESSES = 16_384;

/**
 * Copies the addresses in slices between which `breathe` gives the loop back, into `used` if that is large enough.
 * `used` is free again when the flush has ended.
 */
export async function packFlush(
  { records, order, rangeTombstones, ...job }: FlushJob,
  used: Shareable<SharedArrayBuffer> | undefined,
  breathe: () => Promise<void>,
): Promise<PackedFlush> {
  const bytes = job.count * Uint32Array.BYTES_PER_ELEMENT;
  const memory =
    used !== undefined && used.byteLength >= bytes ? used : shareable(new SharedArrayBuffer(bytes));
  const addresses = new Uint32Array(memory);
  let at = 0;
  let breath = SLICE_ADDRESSES;
  for (const part of order) {
    // Parts are short: a loop beats a call.
    for (let i = 0; i < part.length; i++) addresses[at++] = part[i]!;
    if (at < breath) continue;
    breath = at + SLICE_ADDRESSES;
    await breathe();
  }
  assert(at === job.count, 'a flush writes as many records as it says');
  const { packed, keys } = packTombstones(rangeTombstones);
  return { ...job, rangeTombstones: packed, keys, records: shareable(records), addresses: memory };
}

export function unpackFlush({ addresses, rangeTombstones, keys, ...job }: PackedFlush): FlushJob {
  return {
    ...job,
    order: [new Uint32Array(addresses, 0, job.count)],
    rangeTombstones: unpackTombstones(rangeTombstones, keys),
  };
}
