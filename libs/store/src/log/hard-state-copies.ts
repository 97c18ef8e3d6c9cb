import {
  assert,
  type Disk,
  type DiskFile,
  joinPath,
  type Kernels,
  type RangeId,
  readWholeFile,
} from '@holdfast/io';
import { BrokenError } from '@holdfast/lsm';
import {
  type CopyNumber,
  decodeHardStates,
  encodeHardStates,
  type HardStateCopy,
  type Promised,
} from './hard-state-format.ts';

const NUMBERS: readonly [CopyNumber, CopyNumber] = [1, 2];
const NOTHING: Promised = { term: 0, vote: 0 };

/**
 * `absent`: the directory is new, or of a version that kept no copies. `readable`: at least one copy is whole, and
 * holds everything that was ever answered for. `unreadable`: none is.
 */
type CopiesState = 'absent' | 'readable' | 'unreadable';

/**
 * Terms and votes of all groups of a node a second time, outside its log: in two files, each with everything, written
 * one after the other and only when a term or a vote changes.
 *
 * A promise is told to nobody before both files are synced, and a file is not touched before the other one is whole.
 * So a crash damages one of them at most, and whichever is whole holds every promise that anybody has heard of,
 * whatever has become of the log's end.
 */
export class HardStateCopies {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #kernels: Kernels;
  readonly state: CopiesState;
  readonly #groups: Map<RangeId, Promised>;
  #sequence: number;
  /** The copy that may be damaged or older is written first. */
  #order: readonly CopyNumber[];
  #files: ReadonlyMap<CopyNumber, DiskFile> = new Map();
  /** Something was noted that no write has taken along yet. */
  #dirty = false;
  #waiting: ((error: Error | undefined) => void)[] = [];
  #writing: Promise<void> | undefined;
  #failure: Error | undefined;

  /** Reads what is there and changes nothing. @param unread the planted bug `hard-state-copy-unread` */
  static async read(
    disk: Disk,
    directory: string,
    kernels: Kernels,
    unread = false,
  ): Promise<HardStateCopies> {
    await disk.makeDirectory(directory);
    const found: (HardStateCopy | undefined)[] = [];
    let files = 0;
    for (const copy of NUMBERS) {
      const path = joinPath(directory, fileName(copy));
      const exists = !unread && (await disk.size(path)) !== undefined;
      if (exists) files++;
      found.push(exists ? decodeHardStates(kernels, copy, await readWholeFile(disk, path)) : undefined);
    }
    return new HardStateCopies(disk, directory, kernels, found, files > 0);
  }

  private constructor(
    disk: Disk,
    directory: string,
    kernels: Kernels,
    [first, second]: readonly (HardStateCopy | undefined)[],
    exist: boolean,
  ) {
    this.#disk = disk;
    this.#directory = directory;
    this.#kernels = kernels;
    const firstIsNewer = (first?.sequence ?? -1) > (second?.sequence ?? -1);
    const newest = firstIsNewer ? first : second;
    this.#order = firstIsNewer ? [2, 1] : NUMBERS;
    this.#groups = new Map(newest?.groups);
    this.#sequence = newest?.sequence ?? 0;
    this.state = newest !== undefined ? 'readable' : exist ? 'unreadable' : 'absent';
  }

  /** What has been promised, as far as the copies know. */
  get groups(): ReadonlyMap<RangeId, Promised> {
    return this.#groups;
  }

  /** Everything noted so far is durable. */
  get settled(): boolean {
    return !this.#dirty && this.#writing === undefined && this.#failure === undefined;
  }

  /**
   * Writes both copies anew, with what was noted since they were read: from now on each is whole, on the platter and
   * not only in the page cache. Once, before the first `commit`.
   */
  async rewrite(): Promise<void> {
    assert(this.#files.size === 0, 'copies are rewritten once');
    const files = new Map<CopyNumber, DiskFile>();
    this.#files = files;
    for (const copy of NUMBERS) {
      files.set(copy, await this.#disk.open(joinPath(this.#directory, fileName(copy)), 'if-missing'));
    }
    await this.#disk.syncDirectory(this.#directory);
    await this.#write();
    this.#order = NUMBERS;
  }

  /** Takes over what a group promises; durable with the next `commit`. */
  note(group: RangeId, { term, vote }: Promised): void {
    const known = this.#groups.get(group) ?? NOTHING;
    if (known.term === term && known.vote === vote) return;
    assert(term > known.term || (term === known.term && known.vote === 0), 'a promise is never taken back');
    this.#groups.set(group, { term, vote });
    this.#dirty = true;
  }

  /** Calls back when everything noted so far is durable in both copies. A failure is final (ADR 0008). */
  commit(done: (error: Error | undefined) => void): void {
    if (this.#failure !== undefined || this.settled) {
      done(this.#failure);
      return;
    }
    this.#waiting.push(done);
    // Not now: what the rest of this turn notes is written along.
    this.#writing ??= Promise.resolve().then(() => this.#serve());
  }

  async close(): Promise<void> {
    await this.#writing;
    for (const file of this.#files.values()) await file.close();
  }

  async #serve(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const served = this.#waiting;
        this.#waiting = [];
        try {
          if (this.#dirty) await this.#write();
        } catch (error) {
          this.#waiting.unshift(...served);
          throw error;
        }
        for (const done of served) done(undefined);
      }
    } catch (error) {
      this.#failure = new BrokenError('the copy of the hard states', error);
      for (const done of this.#waiting.splice(0)) done(this.#failure);
    }
    this.#writing = undefined;
  }

  async #write(): Promise<void> {
    this.#dirty = false;
    const content = { sequence: ++this.#sequence, groups: new Map(this.#groups) };
    for (const copy of this.#order) {
      const file = this.#files.get(copy);
      assert(file !== undefined, 'copies are rewritten before they are committed to');
      await file.write([encodeHardStates(this.#kernels, copy, content)], 0, true);
    }
  }
}

/** Of two states of a group, the one that promises more: terms rise, and a vote is given once in each. */
export function laterPromise(a: Promised, b: Promised): Promised {
  if (a.term !== b.term) return a.term > b.term ? a : b;
  assert(a.vote === 0 || b.vote === 0 || a.vote === b.vote, 'one vote in a term');
  return a.vote === 0 ? b : a;
}

function fileName(copy: CopyNumber): string {
  return `${copy}.votes`;
}
