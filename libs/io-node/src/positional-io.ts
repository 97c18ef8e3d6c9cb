import { fdatasync, read, readSync, write, writeSync, writev } from 'node:fs';
import { DiskError } from '@holdfast/io';

/** `writev` takes at most this many chunks (IOV_MAX on Linux and macOS). */
const CHUNKS_PER_CALL_MAX = 1024;

/** `fdatasync` as a promise. */
export function syncData(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fdatasync(fd, (error) => (error === null ? resolve() : reject(error)));
  });
}

/** Fills `target` from `offset`, asking again after a short read; fewer bytes only at the end of the file. */
export function readFully(fd: number, target: Uint8Array, offset: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let filled = 0;
    const next = (): void => {
      read(fd, target, filled, target.length - filled, offset + filled, (error, bytes) => {
        if (error !== null) return reject(error);
        filled += bytes;
        if (bytes === 0 || filled === target.length) resolve(filled);
        else next();
      });
    };
    if (target.length === 0) resolve(0);
    else next();
  });
}

/** {@link readFully} on this thread. */
export function readFullySync(fd: number, target: Uint8Array, offset: number): number {
  let filled = 0;
  while (filled < target.length) {
    const bytes = readSync(fd, target, filled, target.length - filled, offset + filled);
    if (bytes === 0) break;
    filled += bytes;
  }
  return filled;
}

/** Writes all chunks one behind the other from `offset`, asking again after a short write. */
export function writeFully(fd: number, chunks: readonly Uint8Array[], offset: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const rest = chunks.filter((chunk) => chunk.length > 0);
    const advance = (error: Error | null, bytes: number): void => {
      if (error !== null) return reject(error);
      // A device that takes nothing and reports no error would be asked for ever.
      if (bytes === 0)
        return reject(new DiskError('EIO', 'write', `fd ${fd}`, { detail: 'nothing was written' }));
      offset += bytes;
      drop(rest, bytes);
      next();
    };
    const next = (): void => {
      const first = rest[0];
      if (first === undefined) resolve();
      else if (rest.length === 1) write(fd, first, 0, first.length, offset, advance);
      else writev(fd, rest.slice(0, CHUNKS_PER_CALL_MAX), offset, advance);
    };
    next();
  });
}

/** Writes `bytes[start .. end)` at `offset` on this thread, asking again after a short write. */
export function writeFullySync(
  fd: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  offset: number,
): void {
  while (start < end) {
    const written = writeSync(fd, bytes, start, end - start, offset);
    if (written === 0) throw new DiskError('EIO', 'write', `fd ${fd}`, { detail: 'nothing was written' });
    start += written;
    offset += written;
  }
}

/** Removes the first `bytes` bytes from a list of chunks. */
function drop(chunks: Uint8Array[], bytes: number): void {
  let whole = 0;
  while (whole < chunks.length && chunks[whole].length <= bytes) bytes -= chunks[whole++].length;
  chunks.splice(0, whole);
  const first = chunks[0];
  if (first !== undefined && bytes > 0) chunks[0] = first.subarray(bytes);
}
