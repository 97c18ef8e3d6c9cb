import { type Random, randomInteger } from '@holdfast/io';

/** The unit that a disk writes whole: a torn write is a set of sectors of which some landed. */
export const SECTOR_BYTES = 512;
/** Older contents of one unsynced sector that are remembered (fewer only lose variety, never correctness). */
const VERSIONS_MAX = 4;

/** How much of what is unsynced a power loss keeps. */
export type Keep = 'none' | 'all' | 'random';

/** Contents of one sector; undefined is a sector that was never written, all zeros. */
type Sector = Uint8Array | undefined;

interface Version {
  readonly stamp: number;
  readonly bytes: Sector;
}

/** A sector whose newest contents are not durable yet. */
interface DirtySector {
  /** What the platter holds. */
  base: Sector;
  /** Contents between `base` and the current ones, oldest first. */
  readonly between: Version[];
  /** Stamp of the write that made the current contents. */
  stamp: number;
  /** A truncation cut this sector since the last sync. */
  truncated: boolean;
  /** A failed sync dropped it: it looks clean, later syncs skip it, and a power loss forgets it. */
  abandoned: boolean;
}

/** Sectors are cut from pieces of this size: memory of its own for each takes longer than to copy one. */
const PIECE_BYTES = 128 * SECTOR_BYTES;
let piece = new Uint8Array(0);
let pieceUsed = PIECE_BYTES;

function freshSector(): Uint8Array {
  if (pieceUsed === PIECE_BYTES) {
    piece = new Uint8Array(PIECE_BYTES);
    pieceUsed = 0;
  }
  pieceUsed += SECTOR_BYTES;
  return piece.subarray(pieceUsed - SECTOR_BYTES, pieceUsed);
}

/**
 * The bytes behind one or more names: what a reader sees (page cache) and, for every sector that differs,
 * what the platter holds. Sparse: bytes that were never written cost nothing.
 */
export class Inode {
  #bytes = new Uint8Array(0);
  /** No byte at or beyond this offset was ever written: `#bytes` is zero from here on. */
  #written = 0;
  #size = 0;
  #durableSize = 0;
  readonly #sizesBetween: { readonly stamp: number; readonly size: number }[] = [];
  #sizeStamp = 0;
  #sizeSynced = 0;
  readonly #dirty = new Map<number, DirtySector>();
  #stamp = 0;
  #truncateStamp = 0;
  #syncsInFlight = 0;
  /** Directory entries that name this inode. */
  links = 0;

  get size(): number {
    return this.#size;
  }

  /** A copy of what a reader sees. */
  content(): Uint8Array {
    const bytes = new Uint8Array(this.#size);
    this.read(bytes, 0);
    return bytes;
  }

  /** Sectors whose newest contents a power loss now could lose. */
  get dirtySectors(): number {
    return this.#dirty.size;
  }

  read(target: Uint8Array, offset: number): number {
    const length = Math.max(0, Math.min(target.length, this.#size - offset));
    const stored = Math.max(0, Math.min(length, this.#bytes.length - offset));
    if (stored > 0) target.set(this.#bytes.subarray(offset, offset + stored));
    if (length > stored) target.fill(0, stored, length);
    return length;
  }

  write(bytes: Uint8Array, offset: number): void {
    if (bytes.length === 0) return;
    const end = offset + bytes.length;
    const stamp = this.#touch(offset, end);
    this.#grow(end);
    this.#bytes.set(bytes, offset);
    if (end > this.#written) this.#written = end;
    if (end > this.#size) this.#setSize(end, stamp);
  }

  truncate(size: number): void {
    if (size === this.#size) return;
    const storedEnd = Math.min(this.#size, this.#written);
    if (size < storedEnd) {
      const stamp = this.#touch(size, storedEnd);
      for (let sector = Math.floor(size / SECTOR_BYTES); sector * SECTOR_BYTES < storedEnd; sector++) {
        this.#dirty.get(sector)!.truncated = true;
      }
      this.#truncateStamp = stamp;
      this.#bytes.fill(0, size, storedEnd);
    }
    this.#stamp++;
    this.#setSize(size, this.#stamp);
  }

  /** First half of a sync: names what the second half, {@link completeSync}, makes durable. */
  beginSync(): number {
    this.#syncsInFlight++;
    return this.#stamp;
  }

  completeSync(stamp: number): void {
    this.#syncsInFlight--;
    for (const [sector, dirty] of this.#dirty) {
      if (dirty.abandoned) continue;
      if (dirty.stamp <= stamp) {
        this.#dirty.delete(sector);
        continue;
      }
      while (dirty.between.length > 0 && dirty.between[0].stamp <= stamp)
        dirty.base = dirty.between.shift()!.bytes;
    }
    if (this.#sizeStamp <= stamp) {
      this.#durableSize = this.#size;
      this.#sizesBetween.length = 0;
    } else {
      while (this.#sizesBetween.length > 0 && this.#sizesBetween[0].stamp <= stamp) {
        this.#durableSize = this.#sizesBetween.shift()!.size;
      }
    }
    this.#sizeSynced = stamp;
    if (this.#truncateStamp <= stamp) this.#truncateStamp = 0;
  }

  /** A sync that failed: the kernel marks the pages clean all the same, so nothing will ever write them. */
  failSync(): void {
    this.#syncsInFlight--;
    for (const dirty of this.#dirty.values()) dirty.abandoned = true;
  }

  /** The process that waited for syncs is gone; they make nothing durable any more. */
  forgetSyncs(): void {
    this.#syncsInFlight = 0;
  }

  /** Damage at rest: what is read is wrong from now on, and stays wrong after a crash. */
  flipBit(offset: number, bit: number): void {
    if (offset < this.#size) this.#alter(offset, 1 << bit);
  }

  /**
   * As {@link flipBit}, for a whole sector: it holds what another one does, as if the write of that one had gone astray,
   * or zeros, as if its own write had been lost. False when it held that already.
   */
  misplaceSector(sector: number, from: number | undefined): boolean {
    const start = sector * SECTOR_BYTES;
    const end = Math.min(start + SECTOR_BYTES, this.#size);
    let changed = false;
    for (let offset = start; offset < end; offset++) {
      const source = from === undefined ? undefined : offset + (from - sector) * SECTOR_BYTES;
      const wanted = source === undefined ? 0 : (this.#bytes[source] ?? 0);
      const mask = (this.#bytes[offset] ?? 0) ^ wanted;
      if (mask === 0) continue;
      this.#alter(offset, mask);
      changed = true;
    }
    return changed;
  }

  #alter(offset: number, mask: number): void {
    this.#grow(offset + 1);
    this.#bytes[offset] ^= mask;
    if (offset >= this.#written) this.#written = offset + 1;
    const dirty = this.#dirty.get(Math.floor(offset / SECTOR_BYTES));
    if (dirty === undefined) return;
    dirty.base ??= new Uint8Array(SECTOR_BYTES);
    dirty.base[offset % SECTOR_BYTES] ^= mask;
  }

  /** A copy with everything in it durable, as the platter looks after the power failed. */
  afterPowerLoss(random: Random, keep: Keep): Inode {
    const left = new Inode();
    const truncateKept = keep === 'all' || (keep === 'random' && randomInteger(random, 0, 1) === 1);
    left.#size = this.#sizeAfter(random, keep, truncateKept);
    left.#durableSize = left.#size;
    left.#written = Math.min(this.#written, left.#size);
    left.#bytes = this.#bytes.slice(0, left.#written);
    for (const [sector, dirty] of this.#dirty) {
      const bytes = this.#sectorAfter(dirty, sector, random, keep, truncateKept);
      const start = sector * SECTOR_BYTES;
      if (start >= left.#size) continue;
      const end = Math.min(start + SECTOR_BYTES, left.#size);
      left.#grow(end);
      if (bytes === undefined) left.#bytes.fill(0, start, end);
      else left.#bytes.set(bytes.subarray(0, end - start), start);
      if (end > left.#written) left.#written = end;
    }
    return left;
  }

  #sizeAfter(random: Random, keep: Keep, truncateKept: boolean): number {
    if (keep === 'none') return this.#durableSize;
    if (keep === 'all') return this.#size;
    const cut = this.#truncateStamp;
    const choices: number[] = [];
    if (cut === 0 || !truncateKept) choices.push(this.#durableSize);
    for (const { stamp, size } of this.#sizesBetween)
      if (cut === 0 || stamp > cut === truncateKept) choices.push(size);
    if (cut === 0 || truncateKept) choices.push(this.#size);
    return choices[randomInteger(random, 0, choices.length - 1)];
  }

  #sectorAfter(
    dirty: DirtySector,
    sector: number,
    random: Random,
    keep: Keep,
    truncateKept: boolean,
  ): Sector {
    if (keep === 'none' || dirty.abandoned) return dirty.base;
    const current = this.#sector(sector);
    if (keep === 'all') return current;
    const choices: Sector[] = [];
    const cut = dirty.truncated ? this.#truncateStamp : 0;
    if (cut === 0 || !truncateKept) choices.push(dirty.base);
    for (const { stamp, bytes } of dirty.between)
      if (cut === 0 || stamp >= cut === truncateKept) choices.push(bytes);
    if (cut === 0 || truncateKept) choices.push(current);
    return choices[randomInteger(random, 0, choices.length - 1)];
  }

  /** Remembers the sectors of `start .. end` as they are, because they are about to change. */
  #touch(start: number, end: number): number {
    const stamp = ++this.#stamp;
    const last = Math.floor((end - 1) / SECTOR_BYTES);
    for (let sector = Math.floor(start / SECTOR_BYTES); sector <= last; sector++) {
      const dirty = this.#dirty.get(sector);
      if (dirty === undefined) {
        this.#dirty.set(sector, {
          base: this.#sector(sector),
          between: [],
          stamp,
          truncated: false,
          abandoned: false,
        });
        continue;
      }
      dirty.abandoned = false;
      if (dirty.between.length >= VERSIONS_MAX && this.#syncsInFlight === 0) dirty.between.shift();
      dirty.between.push({ stamp: dirty.stamp, bytes: this.#sector(sector) });
      dirty.stamp = stamp;
    }
    return stamp;
  }

  #setSize(size: number, stamp: number): void {
    if (this.#sizeStamp > this.#sizeSynced) {
      if (this.#sizesBetween.length >= VERSIONS_MAX && this.#syncsInFlight === 0) this.#sizesBetween.shift();
      this.#sizesBetween.push({ stamp: this.#sizeStamp, size: this.#size });
    }
    this.#size = size;
    this.#sizeStamp = stamp;
  }

  #sector(sector: number): Sector {
    const start = sector * SECTOR_BYTES;
    if (start >= this.#written) return undefined;
    const bytes = freshSector();
    bytes.set(this.#bytes.subarray(start, Math.min(start + SECTOR_BYTES, this.#written)));
    return bytes;
  }

  #grow(size: number): void {
    if (size <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(size, this.#bytes.length * 2, SECTOR_BYTES));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}
