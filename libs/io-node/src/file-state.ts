import type { DiskError } from '@holdfast/io';

/**
 * What all handles of one file share: its size, and whether something waits for a sync.
 *
 * A file that was just opened counts as changed: a process that was killed may have left bytes in the page
 * cache that no sync covers, and recovery builds on them.
 */
export class FileState {
  size: number;
  /** The first failed sync: since then the page cache and the disk may differ for good. */
  failure: DiskError | undefined;
  #changes = 1;
  #changesInFlight = 0;
  #changesSynced = 0;

  constructor(size: number) {
    this.size = size;
  }

  /** True when a sync would have nothing to do. */
  get clean(): boolean {
    return this.#changes === this.#changesSynced;
  }

  beginChange(): void {
    this.#changes++;
    this.#changesInFlight++;
  }

  endChange(): void {
    this.#changesInFlight--;
  }

  /** Notes a change that is over, or may have happened in part. */
  changed(): void {
    this.#changes++;
  }

  grewTo(end: number): void {
    if (end > this.size) this.size = end;
  }

  /** Call when a sync begins, and the result when it succeeded. What was in flight then is not covered. */
  beginSync(): () => void {
    const covered = this.#changesInFlight === 0 ? this.#changes : this.#changesSynced;
    return () => {
      if (covered > this.#changesSynced) this.#changesSynced = covered;
    };
  }
}

/** The states of the files that are open now, by device and inode. */
export class FileStates {
  readonly #states = new Map<string, { readonly state: FileState; handles: number }>();

  /** The state of a file, and what its handle must call when it is closed. */
  acquire(key: string, size: number): { readonly state: FileState; readonly release: () => void } {
    let entry = this.#states.get(key);
    if (entry === undefined) {
      entry = { state: new FileState(size), handles: 0 };
      this.#states.set(key, entry);
    }
    entry.handles++;
    const { state } = entry;
    return {
      state,
      release: () => {
        if (--entry.handles === 0) this.#states.delete(key);
      },
    };
  }
}
