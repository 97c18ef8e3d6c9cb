import { type Disk, DiskError, joinPath } from '@holdfast/io';

export const RESERVE_NAME = 'RESERVE';
/** Bytes that are filled and synced at once. */
const PIECE_BYTES = 1024 * 1024;

/**
 * A file of zeros that is given up when the disk is full, so that a flush and a compaction can finish: the one
 * lets the log go, the other turns deletions into free space. Made again when there is room, whole or not at
 * all: half of it would only take the room away from others.
 */
export class DiskReserve {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #bytes: number;
  #isThere = false;
  #busy: Promise<unknown> = Promise.resolve();
  #isFilling = false;
  #isClosed = false;

  /** @param bytes 0: no reserve. */
  constructor(disk: Disk, directory: string, bytes: number) {
    this.#disk = disk;
    this.#path = joinPath(directory, RESERVE_NAME);
    this.#bytes = bytes;
  }

  /** Makes it if it is missing; returns at once. */
  fill(): void {
    if (this.#bytes === 0 || this.#isThere || this.#isFilling || this.#isClosed) return;
    this.#isFilling = true;
    this.#busy = this.#fill().finally(() => (this.#isFilling = false));
  }

  /** Gives the room back. False when there was none. */
  async release(): Promise<boolean> {
    await this.#busy;
    if (!this.#isThere) return false;
    this.#isThere = false;
    await this.#disk.remove(this.#path);
    return true;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#busy;
  }

  /** Any failure means that there is no reserve; whoever needs the disk meets the failure itself. */
  async #fill(): Promise<void> {
    try {
      const file = await this.#disk.open(this.#path, 'if-missing');
      try {
        for (let size = file.size; size < this.#bytes && !this.#isClosed;) {
          size = Math.min(this.#bytes, size + PIECE_BYTES);
          await file.allocate(size);
          await file.sync();
        }
        this.#isThere = file.size >= this.#bytes;
      } finally {
        await file.close();
      }
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      await this.#disk.remove(this.#path).catch(() => undefined);
    }
  }
}
