import { type Disk, joinPath } from '@holdfast/io';
import { tableFileName } from '../table/table-info.ts';

/**
 * Removes what a job left that did not come to its end: it may be tried again, and the remains must not take
 * the room that is missing. Best effort: what stays is an orphan that the next opening removes.
 */
export async function removeTables(disk: Disk, directory: string, numbers: readonly number[]): Promise<void> {
  for (const number of numbers) {
    await disk.remove(joinPath(directory, tableFileName(number))).catch(() => undefined);
  }
}
