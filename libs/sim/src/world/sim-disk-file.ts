import { DiskError, type DiskFile, randomInteger } from '@holdfast/io';
import { type Inode, SECTOR_BYTES } from './disk-inode.ts';
import { operationOf, PowerLoss } from './disk-options.ts';
import type { SimDisk } from './sim-disk.ts';

/** What a mapping holds after its file was closed, so that late reads are seen to be wrong. */
const POISON = 0xdb;

/** A file of a {@link SimDisk}; lives on after its name was removed, like any POSIX file. */
export class SimDiskFile implements DiskFile {
  readonly path: string;
  readonly #disk: SimDisk;
  readonly #inode: Inode;
  #closed = false;
  #mapping: Uint8Array | undefined;

  constructor(disk: SimDisk, path: string, inode: Inode) {
    this.#disk = disk;
    this.path = path;
    this.#inode = inode;
  }

  get size(): number {
    return this.#inode.size;
  }

  read(target: Uint8Array, offset: number): Promise<number> {
    if (this.#closed) return this.#refuse('read');
    return this.#disk.run(operationOf('read', this.path, offset, target.length), () =>
      this.#read(target, offset),
    );
  }

  readSync(target: Uint8Array, offset: number): number {
    if (this.#closed) throw new DiskError('ECLOSED', 'read', this.path);
    if (this.#disk.crashed) throw new PowerLoss(operationOf('read', this.path, offset, target.length));
    return this.#read(target, offset);
  }

  #read(target: Uint8Array, offset: number): number {
    const { faults } = this.#disk;
    if (this.#disk.fires('read-error', faults.readErrors, this.path)) {
      throw new DiskError('EIO', 'read', this.path, { detail: 'injected' });
    }
    const length = this.#inode.read(target, offset);
    if (length > 0 && this.#disk.fires('read-flip', faults.readFlips, this.path)) {
      target[randomInteger(this.#disk.random, 0, length - 1)] ^= 1 << randomInteger(this.#disk.random, 0, 7);
    }
    return length;
  }

  write(chunks: readonly Uint8Array[], offset: number, sync: boolean): Promise<void> {
    if (this.#closed) return this.#refuse('write');
    let bytes = 0;
    for (const chunk of chunks) bytes += chunk.length;
    return this.#disk.run(
      operationOf('write', this.path, offset, bytes, sync ? 'sync' : ''),
      () => {
        this.#write(chunks, offset, bytes);
        if (sync) this.#sync(this.#inode.beginSync());
      },
      () => this.#land(chunks, offset, bytes),
    );
  }

  #write(chunks: readonly Uint8Array[], offset: number, bytes: number): void {
    const { faults } = this.#disk;
    this.#disk.reserve(offset + bytes - this.#inode.size, 'write', this.path);
    if (this.#disk.fires('write-error', faults.writeErrors, this.path)) {
      this.#land(chunks, offset, randomInteger(this.#disk.random, 0, bytes));
      throw new DiskError('EIO', 'write', this.path, { detail: 'injected' });
    }
    if (bytes > 0 && this.#disk.fires('lost-write', faults.lostWrites, this.path)) return;
    const sectors = Math.floor(this.#inode.size / SECTOR_BYTES);
    if (sectors > 1 && this.#disk.fires('misdirected-write', faults.misdirectedWrites, this.path)) {
      offset = randomInteger(this.#disk.random, 0, sectors - 1) * SECTOR_BYTES + (offset % SECTOR_BYTES);
    }
    this.#land(chunks, offset, bytes);
    if (bytes > 0 && this.#disk.fires('write-flip', faults.writeFlips, this.path)) {
      const at = offset + randomInteger(this.#disk.random, 0, bytes - 1);
      this.#inode.flipBit(at, randomInteger(this.#disk.random, 0, 7));
    }
  }

  /** Puts the first `bytes` of the chunks into the page cache. */
  #land(chunks: readonly Uint8Array[], offset: number, bytes: number): void {
    const before = this.#inode.size;
    let at = offset;
    for (const chunk of chunks) {
      const left = offset + bytes - at;
      if (left <= 0) break;
      this.#inode.write(chunk.length <= left ? chunk : chunk.subarray(0, left), at);
      at += chunk.length;
    }
    this.#disk.resized(this.#inode, before);
  }

  sync(): Promise<void> {
    if (this.#closed) return this.#refuse('sync');
    let stamp: number | undefined;
    return this.#disk.run(
      operationOf('sync', this.path),
      () => this.#sync(stamp ?? this.#inode.beginSync()),
      undefined,
      () => (stamp = this.#inode.beginSync()),
    );
  }

  #sync(stamp: number): void {
    if (this.#disk.fires('sync-error', this.#disk.faults.syncErrors, this.path)) {
      this.#inode.failSync();
      throw new DiskError('EIO', 'sync', this.path, { detail: 'injected' });
    }
    this.#inode.completeSync(stamp);
  }

  truncate(size: number): Promise<void> {
    if (this.#closed) return this.#refuse('truncate');
    return this.#disk.run(operationOf('truncate', this.path, size), () => this.#resize(size), 'lands');
  }

  allocate(size: number): Promise<void> {
    if (this.#closed) return this.#refuse('allocate');
    return this.#disk.run(
      operationOf('allocate', this.path, size),
      () => {
        if (size > this.#inode.size) this.#resize(size);
      },
      'lands',
    );
  }

  #resize(size: number): void {
    const before = this.#inode.size;
    this.#disk.reserve(size - before, 'truncate', this.path);
    this.#inode.truncate(size);
    this.#disk.resized(this.#inode, before);
  }

  map(): Uint8Array | undefined {
    if (this.#closed) throw new DiskError('ECLOSED', 'map', this.path);
    if (this.#disk.mapMode === 'none') return undefined;
    if (this.#mapping === undefined) {
      this.#mapping = new Uint8Array(this.#inode.size);
      this.#inode.read(this.#mapping, 0);
    }
    return this.#mapping;
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    this.#mapping?.fill(POISON);
    return this.#disk.run(operationOf('close', this.path), () => this.#disk.fileClosed());
  }

  #refuse(operation: string): Promise<never> {
    return Promise.reject(new DiskError('ECLOSED', operation, this.path));
  }
}
