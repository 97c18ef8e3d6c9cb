import { type Disk, isDiskFull, type DiskFile, joinPath, type Kernels } from '@holdfast/io';
import { encodeSegmentHeader, segmentName } from './log-format.ts';

/** Files kept for use as segments; writing into space that exists needs no change of metadata at the sync. */
const SPARES_MAX = 4;
/** Bytes of a spare that are filled and synced at once. */
const PREPARE_BYTES = 512 * 1024;

/**
 * The files of a log: those in use as segments, and spares that become segments by rename.
 *
 * A spare is complete (full size, on disk) before it is needed, so that starting a segment costs one small
 * write and one directory sync.
 */
export class SegmentFiles {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #kernels: Kernels;
  readonly #segmentBytes: number;
  readonly #forgetDirectory: boolean;
  /** Complete, first in first used. */
  #spares: Spare[];
  #nextSpare: number;
  #preparing: Promise<void> | undefined;
  /** The last try to make a spare met a full disk. */
  #isShort = false;
  #closed = false;

  /** @param forgetDirectory the planted bug `directory-not-synced` */
  static async open(
    disk: Disk,
    directory: string,
    kernels: Kernels,
    segmentBytes: number,
    forgetDirectory = false,
  ): Promise<SegmentFiles> {
    const files = new SegmentFiles(disk, directory, kernels, segmentBytes, forgetDirectory);
    // A spare of an earlier life may be incomplete: only its name is used again.
    for (const name of await disk.list(directory)) {
      if (spareNumber(name) !== undefined) await disk.remove(joinPath(directory, name));
    }
    return files;
  }

  private constructor(
    disk: Disk,
    directory: string,
    kernels: Kernels,
    segmentBytes: number,
    forgetDirectory: boolean,
  ) {
    this.#forgetDirectory = forgetDirectory;
    this.#disk = disk;
    this.#directory = directory;
    this.#kernels = kernels;
    this.#segmentBytes = segmentBytes;
    this.#spares = [];
    this.#nextSpare = 1;
  }

  /** Bytes of the next segments that are on disk already, in order. */
  get ready(): readonly number[] {
    return this.#spares.map(({ bytes }) => bytes);
  }

  /** There is no room for the segment behind the one in use, as of the last try. */
  get isShort(): boolean {
    return this.#isShort && this.#spares.length === 0;
  }

  /**
   * Makes the space of the next segments, each of at least so many bytes; nothing is written into them yet.
   * @throws DiskError; with `ENOSPC` what could be made stays ready.
   */
  async reserve(sizes: readonly number[]): Promise<void> {
    await this.#preparing;
    for (const [i, bytes] of sizes.entries()) {
      const spare = this.#spares[i];
      if (spare === undefined) await this.#prepare(bytes);
      else if (spare.bytes < bytes) await this.#extend(spare, bytes);
    }
  }

  /** A file that is segment `segment` and has `bytes` of allocated space; durable when this resolves. */
  async begin(segment: number, bytes: number): Promise<DiskFile> {
    await this.reserve([bytes]);
    const { name } = this.#spares.shift()!;
    const spare = joinPath(this.#directory, name);
    const path = joinPath(this.#directory, segmentName(segment));
    const draft = await this.#disk.open(spare, 'never');
    try {
      await draft.write([encodeSegmentHeader(this.#kernels, segment)], 0, true);
    } finally {
      await draft.close();
    }
    await this.#disk.rename(spare, path);
    if (!this.#forgetDirectory) await this.#disk.syncDirectory(this.#directory);
    const file = await this.#disk.open(path, 'never');
    this.prepareNext();
    return file;
  }

  /** The segment is not needed any more: its file becomes a spare, or goes. */
  async retire(segment: number): Promise<void> {
    const path = joinPath(this.#directory, segmentName(segment));
    if (this.#spares.length >= SPARES_MAX || (await this.#disk.size(path)) !== this.#segmentBytes) {
      await this.#disk.remove(path);
    } else {
      const spare = this.#spareName();
      await this.#disk.rename(path, joinPath(this.#directory, spare));
      this.#spares.push({ name: spare, bytes: this.#segmentBytes });
    }
    // Oldest first, each made durable: recovery never meets a gap between segments.
    await this.#disk.syncDirectory(this.#directory);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#preparing;
  }

  /** Makes the spare that the next segment will be, behind the caller's back. */
  prepareNext(): void {
    if (this.#closed || this.#spares.length > 0 || this.#preparing !== undefined) return;
    // A failure here is not lost: `begin` meets it again when it prepares the file itself.
    this.#preparing = this.#prepare(this.#segmentBytes).then(
      () => this.#prepared(undefined),
      (error: unknown) => this.#prepared(error),
    );
  }

  #prepared(error: unknown): void {
    this.#preparing = undefined;
    this.#isShort = isDiskFull(error);
  }

  async #prepare(bytes: number): Promise<void> {
    const spare = { name: this.#spareName(), bytes: 0 };
    const path = joinPath(this.#directory, spare.name);
    const file = await this.#disk.open(path, 'if-missing');
    await file.close();
    try {
      await this.#extend(spare, bytes);
    } catch (error) {
      // Half a file is of no use, and somebody may need the room more.
      await this.#disk.remove(path).catch(() => undefined);
      throw error;
    }
    this.#spares.push(spare);
  }

  async #extend(spare: Spare, bytes: number): Promise<void> {
    const file = await this.#disk.open(joinPath(this.#directory, spare.name), 'never');
    try {
      // Piece by piece: one sync of a whole segment would hold up those of the log for as long as it takes.
      for (let size = spare.bytes; size < bytes;) {
        size = Math.min(bytes, size + PREPARE_BYTES);
        await file.allocate(size);
        await file.sync();
      }
    } finally {
      await file.close();
    }
    spare.bytes = bytes;
  }

  #spareName(): string {
    return `spare-${this.#nextSpare++}.log`;
  }
}

interface Spare {
  readonly name: string;
  bytes: number;
}

function spareNumber(name: string): number | undefined {
  const match = /^spare-(\d+)\.log$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}
