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
 * reuses its number and its place. The whole segment is written, also when zeros are read behind the end:
 * they may be those of an earlier recovery whose sync failed, with the remains still on the disk below them.
 */
export async function makeDurable(disk: Disk, directory: string, tail: LogTail): Promise<void> {
  const file = await disk.open(joinPath(directory, segmentName(tail.segment)), 'never');
  try {
    const bytes = new Uint8Array(file.size);
    const end = tail.offset + (tail.sealed ? recordBytes(0) : 0);
    await file.read(bytes.subarray(0, end), 0);
    await file.write([bytes], 0, true);
  } finally {
    await file.close();
  }
  await disk.syncDirectory(directory);
}
