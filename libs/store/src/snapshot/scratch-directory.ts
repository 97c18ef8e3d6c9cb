import { type Disk, DiskError, joinPath } from '@holdfast/io';

/** Of a node's data directory: where transfers of snapshots keep their files. */
export const SCRATCH_DIRECTORY = 'snapshots';

/** Removes what an earlier life has left there. @throws DiskError */
export async function clearScratch(disk: Disk, directory: string): Promise<void> {
  const scratch = new ScratchDirectories(disk);
  await disk.makeDirectory(directory);
  for (const name of await disk.list(directory)) await scratch.discard(joinPath(directory, name));
}

/** Directories for files that are soon superfluous. They take no more room than somebody needs. */
export class ScratchDirectories {
  readonly #disk: Disk;
  readonly #discarding = new Map<string, Promise<void>>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** An empty directory for new files: made if it is missing, cleared of what was left in it. */
  async take(directory: string): Promise<void> {
    await this.#discarding.get(directory);
    await this.#clear(directory);
  }

  /** Nobody needs its files any more. What cannot be removed now is removed when the directory is taken next. */
  discard(directory: string): Promise<void> {
    const before = this.#discarding.get(directory) ?? Promise.resolve();
    const discarded = before
      .then(() => this.#clear(directory))
      .catch((error: unknown) => {
        if (!(error instanceof DiskError)) throw error;
      })
      .finally(() => {
        if (this.#discarding.get(directory) === discarded) this.#discarding.delete(directory);
      });
    this.#discarding.set(directory, discarded);
    return discarded;
  }

  /** Nothing is being removed. */
  async idle(): Promise<void> {
    await Promise.all(this.#discarding.values());
  }

  async #clear(directory: string): Promise<void> {
    await this.#disk.makeDirectory(directory);
    for (const name of await this.#disk.list(directory)) {
      try {
        await this.#disk.remove(joinPath(directory, name));
      } catch (error) {
        if (!(error instanceof DiskError) || error.code !== 'ENOENT') throw error;
      }
    }
  }
}
