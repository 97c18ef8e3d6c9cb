import { type Disk, DiskError, joinPath } from '@holdfast/io';

/** Empties a directory that holds files only, and makes it if it is missing. */
export async function clearDirectory(disk: Disk, directory: string): Promise<void> {
  await disk.makeDirectory(directory);
  for (const name of await disk.list(directory)) {
    try {
      await disk.remove(joinPath(directory, name));
    } catch (error) {
      if (!(error instanceof DiskError) || error.code !== 'ENOENT') throw error;
    }
  }
}
