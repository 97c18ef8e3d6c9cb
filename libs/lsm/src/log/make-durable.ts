import { type Disk, joinPath } from '@holdfast/io';
import { recordBytes, segmentName } from './log-format.ts';
import type { LogTail } from './log-recovery.ts';

/**
 * What recovery has read may be in the page cache only: the process before this one died between write and
 * sync, or after a failed sync, which leaves pages clean that never reached the disk. The caller will promise
 * things on the strength of these records, so they are written again and synced first. Segments before the
 * last were durable when the next one began.
 *
 * Behind the end, the remains of a torn group are overwritten: they must not turn valid when a later group
 * reuses its number and its place.
 */
export async function makeDurable(disk: Disk, directory: string, tail: LogTail): Promise<void> {
  const file = await disk.open(joinPath(directory, segmentName(tail.segment)), 'never');
  try {
    const end = tail.torn ? file.size : tail.offset + (tail.sealed ? recordBytes(0) : 0);
    const bytes = new Uint8Array(end);
    await file.read(bytes.subarray(0, tail.torn ? tail.offset : end), 0);
    await file.write([bytes], 0, true);
  } finally {
    await file.close();
  }
  await disk.syncDirectory(directory);
}
