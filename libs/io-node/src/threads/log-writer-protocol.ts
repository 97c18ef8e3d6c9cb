import { assert, type Shareable } from '@holdfast/io';

/**
 * Records between `LogWriter` and its thread.
 *
 *     request (tag: one of below)             answer (tag: id)
 *     0   id      u32  the caller's            empty: done
 *     4   fd      u32  of this process         else the error's code, ASCII
 *     8   offset  f64  in the file
 *     16  bytes
 */
export const REQUEST_HEADER_BYTES = 16;

/** Write, and more of the same request follows. */
export const PART = 0;
/** Write (maybe nothing), sync, answer. */
export const LAST = 1;

export interface LogWriterData {
  readonly requests: SharedArrayBuffer;
  readonly answers: SharedArrayBuffer;
  /** `SharedCounters`, by {@link LogCounter}. */
  readonly counters: Shareable<SharedArrayBuffer>;
}

/** What the thread counts. */
export const LogCounter = { requests: 0, bytes: 1, batches: 2, syncs: 3 } as const;

export interface RequestHeader {
  readonly id: number;
  readonly fd: number;
  readonly offset: number;
}

export function writeRequestHeader(view: DataView, at: number, { id, fd, offset }: RequestHeader): void {
  assert(Number.isSafeInteger(offset) && offset >= 0, 'an offset is a non-negative integer');
  view.setUint32(at, id, true);
  view.setUint32(at + 4, fd, true);
  view.setFloat64(at + 8, offset, true);
}

export function readRequestHeader(view: DataView, at: number): RequestHeader {
  return {
    id: view.getUint32(at, true),
    fd: view.getUint32(at + 4, true),
    offset: view.getFloat64(at + 8, true),
  };
}
