import { close, constants, ftruncate, open } from 'node:fs';
import { assert, DiskError, type DiskFile } from '@holdfast/io';
import { diskError } from './disk-errors.ts';
import type { FileState } from './file-state.ts';
import { type MappedMemory, mapFile } from './mapped-memory.ts';
import { readFully, readFullySync, syncData, writeFully } from './positional-io.ts';
import type { SyncedWriter } from './synced-writer.ts';

/** Source of every zero that {@link OpenFile.allocate} writes. */
const ZEROS = new Uint8Array(64 * 1024);

/**
 * A file of `FileDisk`.
 *
 * A synced write needs one trip to another thread instead of two (ADR 0014): it is the business of the writer, if there
 * is one; else it goes to libuv's pool, through a second descriptor opened with `O_DSYNC`. That descriptor makes only its
 * own bytes durable, so while anything else waits for a sync, such a write takes the long way: write, then
 * `fdatasync`.
 */
export class OpenFile implements DiskFile {
  readonly path: string;
  readonly #fd: number;
  readonly #state: FileState;
  readonly #release: () => void;
  readonly #writer: SyncedWriter | undefined;
  #syncedFd: number | undefined;
  /** Set when this platform has no second way to the same file. */
  #noSyncedFd = false;
  #operations = 0;
  #closed = false;
  #idle: (() => void) | undefined;
  #mapping: MappedMemory | undefined;

  /** @param release called when the file has been closed. */
  constructor(path: string, fd: number, state: FileState, release: () => void, writer?: SyncedWriter) {
    this.path = path;
    this.#fd = fd;
    this.#state = state;
    this.#release = release;
    this.#writer = writer;
  }

  get size(): number {
    return this.#state.size;
  }

  read(target: Uint8Array, offset: number): Promise<number> {
    return this.#run('read', offset, () => readFully(this.#fd, target, offset));
  }

  readSync(target: Uint8Array, offset: number): number {
    this.#check('read', offset);
    try {
      return readFullySync(this.#fd, target, offset);
    } catch (error) {
      throw diskError(error, 'read', this.path);
    }
  }

  write(chunks: readonly Uint8Array[], offset: number, sync: boolean): Promise<void> {
    return this.#run('write', offset, async () => {
      let end = offset;
      for (const chunk of chunks) end += chunk.length;
      if (sync && end > offset && (await this.#writeSynced(chunks, offset))) {
        this.#state.grewTo(end);
        return;
      }
      await this.#change(() => writeFully(this.#fd, chunks, offset));
      this.#state.grewTo(end);
      if (sync) await this.#sync();
    });
  }

  sync(): Promise<void> {
    return this.#run('sync', 0, () => this.#sync());
  }

  truncate(size: number): Promise<void> {
    return this.#run('truncate', size, async () => {
      await this.#change(() => called((done) => ftruncate(this.#fd, size, done)));
      this.#state.size = size;
    });
  }

  allocate(size: number): Promise<void> {
    return this.#run('allocate', size, async () => {
      while (this.#state.size < size) {
        const offset = this.#state.size;
        const zeros = ZEROS.subarray(0, Math.min(ZEROS.length, size - offset));
        await this.#change(() => writeFully(this.#fd, [zeros], offset));
        this.#state.grewTo(offset + zeros.length);
      }
    });
  }

  map(): Uint8Array | undefined {
    this.#check('map', 0);
    if (this.size === 0) return undefined;
    this.#mapping ??= mapFile(this.#fd, this.size);
    return this.#mapping?.bytes;
  }

  /** Waits for what is in flight. A second call does nothing. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#operations > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    this.#mapping?.release();
    this.#release();
    const fds = this.#syncedFd === undefined ? [this.#fd] : [this.#fd, this.#syncedFd];
    const results = await Promise.allSettled(fds.map((fd) => called((done) => close(fd, done))));
    for (const result of results)
      if (result.status === 'rejected') throw diskError(result.reason, 'close', this.path);
  }

  /** The short ways. False when none is open. */
  async #writeSynced(chunks: readonly Uint8Array[], offset: number): Promise<boolean> {
    if (this.#writer !== undefined) {
      await this.#writeByWriter(this.#writer, chunks, offset);
      return true;
    }
    if (!this.#state.clean) return false;
    const fd = this.#noSyncedFd ? undefined : (this.#syncedFd ?? (await this.#openSynced()));
    // Somebody may have changed the file while the descriptor was made.
    if (fd === undefined || !this.#state.clean) return false;
    try {
      await writeFully(fd, chunks, offset);
      return true;
    } catch (error) {
      const failure = diskError(error, 'write', this.path);
      // A part may be in the page cache only: the next synced write has to cover it.
      this.#state.changed();
      if (failure.code !== 'ENOSPC') this.#state.failure ??= failure;
      throw failure;
    }
  }

  /** The writer syncs the whole file, so this covers everything that was over when it began. */
  async #writeByWriter(writer: SyncedWriter, chunks: readonly Uint8Array[], offset: number): Promise<void> {
    const synced = this.#state.beginSync();
    this.#state.beginChange();
    try {
      await writer.write(this.#fd, chunks, offset);
      synced();
    } catch (error) {
      const failure = diskError(error, 'write', this.path);
      if (failure.code !== 'ENOSPC' || isFailedSync(error)) this.#state.failure ??= failure;
      throw failure;
    } finally {
      this.#state.endChange();
    }
  }

  /** A second descriptor of the same file, whatever became of its name. Linux has a path for that. */
  async #openSynced(): Promise<number | undefined> {
    const flags = constants.O_RDWR | constants.O_DSYNC;
    const fd = await called<number>((done) => open(`/proc/self/fd/${this.#fd}`, flags, done)).catch(
      () => undefined,
    );
    if (fd === undefined) this.#noSyncedFd = true;
    else if (this.#syncedFd === undefined) this.#syncedFd = fd;
    else await called((done) => close(fd, done)); // Two first writes at once: one descriptor is enough.
    return this.#syncedFd;
  }

  /** Changes the file through the first descriptor, which the next sync has to cover. */
  async #change(work: () => Promise<void>): Promise<void> {
    this.#state.beginChange();
    try {
      await work();
    } finally {
      this.#state.endChange();
    }
  }

  async #sync(): Promise<void> {
    const synced = this.#state.beginSync();
    try {
      await syncData(this.#fd);
    } catch (error) {
      this.#state.failure ??= diskError(error, 'sync', this.path);
      throw this.#state.failure;
    }
    synced();
  }

  #check(operation: string, offset: number): void {
    if (this.#closed) throw new DiskError('ECLOSED', operation, this.path);
    assert(Number.isSafeInteger(offset) && offset >= 0, 'an offset is a non-negative integer');
    if (this.#state.failure !== undefined && operation !== 'read') throw this.#state.failure;
  }

  async #run<T>(operation: string, offset: number, work: () => Promise<T>): Promise<T> {
    this.#check(operation, offset);
    this.#operations++;
    try {
      return await work();
    } catch (error) {
      throw diskError(error, operation, this.path);
    } finally {
      this.#operations--;
      if (this.#operations === 0) this.#idle?.();
    }
  }
}

function isFailedSync(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === 'fdatasync';
}

/** A call of `node:fs` with a callback, as a promise. */
function called<T = void>(call: (done: (error: Error | null, value?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => (error === null ? resolve(value as T) : reject(error)));
  });
}
