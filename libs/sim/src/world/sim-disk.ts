import {
  type Disk,
  DiskError,
  type DiskFile,
  type DiskLock,
  Prng,
  type Random,
  randomChance,
  randomInteger,
} from '@holdfast/io';
import { DiskImage, type FoundFile } from './disk-image.ts';
import {
  type CrashOptions,
  type DiskFaultName,
  type DiskFaults,
  type DiskOperation,
  isMutation,
  noDiskFaults,
  operationOf,
  PowerLoss,
  type SimDiskOptions,
} from './disk-options.ts';
import type { Inode } from './disk-inode.ts';
import { SimDiskFile } from './sim-disk-file.ts';

/** An operation that was issued and has not answered yet. */
interface InFlight {
  /** What it would do to the page cache; undefined when it changes nothing there. */
  readonly land: (() => void) | undefined;
}

/**
 * A disk in memory that keeps after {@link SimDisk.crash} exactly what the contract of `Disk` promises, and
 * of everything else a random part. One object serves one incarnation of a process:
 *
 *     const disk = new SimDisk({ seed: 1, crashAfter: 17 });
 *     await expect(script(disk)).rejects.toThrow(PowerLoss);
 *     await recover(disk.crash());
 *
 * Without a timer every operation takes effect inside the call. With one, effects and answers come later and
 * concurrent operations overtake each other, as on a thread pool.
 */
export class SimDisk implements Disk {
  readonly #image: DiskImage;
  readonly #options: SimDiskOptions;
  readonly #random: Prng;
  readonly #inFlight = new Set<InFlight>();
  readonly #locks = new Map<string, DiskLock>();
  readonly faults: DiskFaults;
  #mutations = 0;
  #openFiles = 0;
  #crashed = false;

  constructor(options: SimDiskOptions, image: DiskImage = new DiskImage()) {
    this.#options = options;
    this.#image = image;
    this.#random = new Prng(options.seed);
    this.faults = options.faults ?? noDiskFaults();
  }

  /** Operations so far that change something; `crashAfter` counts these. */
  get mutations(): number {
    return this.#mutations;
  }

  /** Files opened and not closed: a test asserts 0 to find leaks. */
  get openFiles(): number {
    return this.#openFiles;
  }

  get usedBytes(): number {
    return this.#image.usedBytes;
  }

  get crashed(): boolean {
    return this.#crashed;
  }

  /** Every file in or below a directory (default: all), for faults at rest (`inode.flipBit`) and for checks. */
  files(directory = ''): readonly FoundFile[] {
    return this.#image.files(directory);
  }

  /** A file directly in the directory that has something unsynced. */
  unsyncedFile(directory: string): FoundFile | undefined {
    return this.#image.unsyncedFile(directory);
  }

  /**
   * The power fails now. This disk never answers again; the result is the disk that the next incarnation
   * finds. May be called several times with different seeds: same crash, other luck.
   */
  crash(options: CrashOptions = {}): SimDisk {
    this.#stop(options.keep !== 'none');
    return this.ifCrashed(options);
  }

  /** The disk that a power loss at this moment would leave. This one runs on. */
  ifCrashed({ keep = 'random', seed, options }: CrashOptions = {}): SimDisk {
    const random = seed === undefined ? this.#random.fork() : new Prng(seed);
    return this.#next(this.#image.afterPowerLoss(random, keep), random, options);
  }

  /** `kill -9`: the process is gone and the machine runs on, so nothing that was written is lost. */
  kill({ options }: Pick<CrashOptions, 'options'> = {}): SimDisk {
    this.#stop(true);
    for (const { inode } of this.#image.files()) inode.forgetSyncs();
    return this.#next(this.#image, this.#random.fork(), options);
  }

  /** An empty disk in the place of this one, which never answers again. */
  replaced(): SimDisk {
    this.#stop(false);
    return this.#next(new DiskImage(), this.#random.fork(), undefined);
  }

  #next(image: DiskImage, random: Prng, options: Partial<SimDiskOptions> | undefined): SimDisk {
    const { crashAfter: _, ...kept } = this.#options;
    return new SimDisk(
      { ...kept, faults: this.faults, ...options, seed: options?.seed ?? random.nextU32() },
      image,
    );
  }

  #stop(landSome: boolean): void {
    this.#crashed = true;
    for (const { land } of this.#inFlight)
      if (landSome && land !== undefined && randomChance(this.#random, 0.5)) land();
    this.#inFlight.clear();
    for (const directory of this.#locks.keys()) this.#image.locks.delete(directory);
    this.#locks.clear();
  }

  open(path: string, create: 'never' | 'if-missing' | 'exclusive'): Promise<DiskFile> {
    return this.run(operationOf('open', path, 0, 0, create), () => {
      let inode = this.#image.find(path);
      if (this.#image.isDirectory(path))
        throw new DiskError('EINVAL', 'open', path, { detail: 'a directory' });
      if (inode === undefined && create === 'never') throw new DiskError('ENOENT', 'open', path);
      if (inode !== undefined && create === 'exclusive') throw new DiskError('EEXIST', 'open', path);
      if (this.#openFiles >= (this.#options.openFilesMax ?? Number.MAX_SAFE_INTEGER)) {
        throw new DiskError('EMFILE', 'open', path);
      }
      if (inode === undefined && this.#image.usedBytes >= this.faults.capacityBytes)
        this.noSpace('open', path);
      inode ??= this.#image.create(path, 'open');
      this.#openFiles++;
      return new SimDiskFile(this, path, inode);
    });
  }

  list(directory: string): Promise<readonly string[]> {
    return this.run(operationOf('list', directory), () => this.#image.list(directory));
  }

  size(path: string): Promise<number | undefined> {
    return this.run(operationOf('size', path), () => this.#image.find(path)?.size);
  }

  makeDirectory(path: string): Promise<void> {
    return this.run(operationOf('make-directory', path), () => this.#image.makeDirectory(path), 'lands');
  }

  rename(from: string, to: string): Promise<void> {
    return this.run(operationOf('rename', from, 0, 0, to), () => this.#image.rename(from, to), 'lands');
  }

  link(existing: string, path: string): Promise<void> {
    return this.run(
      operationOf('link', existing, 0, 0, path),
      () => this.#image.link(existing, path),
      'lands',
    );
  }

  remove(path: string): Promise<void> {
    return this.run(operationOf('remove', path), () => this.#image.remove(path), 'lands');
  }

  syncDirectory(directory: string): Promise<void> {
    let complete: (() => void) | undefined;
    return this.run(
      operationOf('sync-directory', directory),
      () => {
        complete ??= this.#image.beginSyncDirectory(directory);
        if (this.fires('sync-error', this.faults.syncErrors, directory)) {
          throw new DiskError('EIO', 'sync-directory', directory, { detail: 'injected' });
        }
        complete();
      },
      undefined,
      () => (complete = this.#image.beginSyncDirectory(directory)),
    );
  }

  lock(directory: string): Promise<DiskLock> {
    return this.run(operationOf('lock', directory), () => {
      if (this.#image.locks.has(directory)) throw new DiskError('ELOCKED', 'lock', directory);
      this.#image.locks.add(directory);
      const lock: DiskLock = { release: () => this.#unlock(directory, lock) };
      this.#locks.set(directory, lock);
      return lock;
    });
  }

  #unlock(directory: string, lock: DiskLock): Promise<void> {
    if (this.#locks.get(directory) === lock && !this.#crashed) {
      this.#locks.delete(directory);
      this.#image.locks.delete(directory);
    }
    return Promise.resolve();
  }

  /**
   * Performs one operation now or after its delay. For {@link SimDiskFile}.
   * `begin` runs at once in any case; `lands` says that `effect` may also happen when the process dies first.
   */
  run<T>(
    operation: DiskOperation,
    effect: () => T,
    lands?: 'lands' | (() => void),
    begin?: () => void,
  ): Promise<T> {
    this.#options.onOperation?.(operation);
    if (this.#crashed) return this.#noAnswer(operation);
    const land = lands === 'lands' ? () => ignoreDiskError(effect) : lands;
    if (isMutation(operation) && this.#mutations++ === this.#options.crashAfter) {
      this.#inFlight.add({ land });
      this.#stop(true);
      return this.#noAnswer(operation);
    }
    const { timer, delayMs } = this.#options;
    if (timer === undefined) {
      try {
        return Promise.resolve(effect());
      } catch (error) {
        return Promise.reject(error);
      }
    }
    try {
      begin?.();
    } catch (error) {
      return Promise.reject(error);
    }
    const inFlight: InFlight = { land };
    this.#inFlight.add(inFlight);
    const usualMs = delayMs === undefined ? 0 : delayMs(operation, this.#random);
    const { slowdown } = this.faults;
    const delay = slowdown === 1 ? usualMs : Math.min(usualMs * slowdown, SLOW_MS_MAX);
    return new Promise<T>((resolve, reject) => {
      timer.schedule(delay, () => {
        if (!this.#inFlight.delete(inFlight)) return; // The process died while it waited.
        try {
          resolve(effect());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #noAnswer<T>(operation: DiskOperation): Promise<T> {
    const hang = this.#options.afterCrash === 'hang';
    return hang ? new Promise<T>(() => undefined) : Promise.reject(new PowerLoss(operation));
  }

  /** The stream behind every chance of this disk. For {@link SimDiskFile}. */
  get random(): Random {
    return this.#random;
  }

  get mapMode(): 'copy' | 'none' {
    return this.#options.map ?? 'copy';
  }

  /** Draws whether a fault fires, and reports it. Draws nothing at rate 0. For {@link SimDiskFile}. */
  fires(fault: DiskFaultName, rate: number, path: string): boolean {
    if (rate === 0 || !randomChance(this.#random, rate)) return false;
    this.#options.onFault?.(fault, path);
    return true;
  }

  /** @throws DiskError always: the disk is full. */
  noSpace(operation: string, path: string): never {
    this.#options.onFault?.('no-space', path);
    throw new DiskError('ENOSPC', operation, path);
  }

  /** Makes room for a file to grow by `bytesMore`, or refuses. For {@link SimDiskFile}. */
  reserve(bytesMore: number, operation: string, path: string): void {
    if (bytesMore > 0 && this.#image.usedBytes + bytesMore > this.faults.capacityBytes)
      this.noSpace(operation, path);
  }

  resized(inode: Inode, sizeBefore: number): void {
    this.#image.resized(inode, inode.size - sizeBefore);
  }

  fileClosed(): void {
    this.#openFiles--;
  }
}

/** The slowest operation of a slow disk, milliseconds. */
const SLOW_MS_MAX = 5_000;

/** Typical delays of a local SSD, in milliseconds. */
export function ssdDelayMs(operation: DiskOperation, random: Random): number {
  const unit = randomInteger(random, 50, 200) / 1000;
  switch (operation.kind) {
    case 'sync':
    case 'sync-directory':
    case 'make-directory':
      return unit * (randomChance(random, 0.02) ? 40 : 2);
    case 'write':
      return operation.detail === 'sync' ? unit * (randomChance(random, 0.02) ? 40 : 2) : unit / 2;
    default:
      return unit / 2;
  }
}

function ignoreDiskError(effect: () => unknown): void {
  try {
    effect();
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
  }
}
