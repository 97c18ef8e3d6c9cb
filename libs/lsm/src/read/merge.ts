import { assert } from '@holdfast/io';
import { compareRanges } from './compare.ts';
import { BLOCKED, END, ENTRY, type Source, type Status } from './source.ts';

/**
 * Merges sources into one sequence in the order of {@link Source}; among entries with the same key and
 * revision those of an earlier source come first. Backwards, exactly the reverse.
 *
 * Keeps the winner and the runner-up: as long as the winner's next entry is in front of the runner-up,
 * a step costs one comparison, however many sources there are.
 */
export class Merge {
  readonly #sources: readonly Source[];
  /** Sources that stand on an entry, by priority. */
  readonly #live: number[] = [];
  #blocked: Source[] = [];
  #isReverse = false;
  #current: Source | undefined;
  #currentPriority = 0;
  #runnerUp: Source | undefined;
  #runnerUpPriority = 0;

  /** @param sources newest first. */
  constructor(sources: readonly Source[]) {
    this.#sources = sources;
  }

  /** The source that stands on the entry of the merge. */
  get current(): Source {
    assert(this.#current !== undefined, 'a merge stands on an entry');
    return this.#current;
  }

  seek(key: Uint8Array, revision: number): Status {
    return this.#start(false, (source) => source.seek(key, revision));
  }

  seekBefore(key: Uint8Array, revision: number): Status {
    return this.#start(true, (source) => source.seekBefore(key, revision));
  }

  seekFirst(): Status {
    return this.#start(false, (source) => source.seekFirst());
  }

  seekLast(): Status {
    return this.#start(true, (source) => source.seekLast());
  }

  next(): Status {
    return this.#moved(this.current.next());
  }

  previous(): Status {
    return this.#moved(this.current.previous());
  }

  /** Fetches what the blocked move needs, in all sources at once. */
  async load(): Promise<void> {
    await Promise.all(this.#blocked.map((source) => source.load()));
  }

  resume(): Status {
    const waiting = this.#blocked;
    this.#blocked = [];
    for (const source of waiting) {
      const status = source.resume();
      if (status === BLOCKED) this.#blocked.push(source);
      else if (status === ENTRY) this.#live.push(this.#sources.indexOf(source));
    }
    return this.#choose();
  }

  close(): void {
    for (const source of this.#sources) source.close();
    this.#live.length = 0;
    this.#blocked = [];
    this.#current = undefined;
  }

  #start(isReverse: boolean, move: (source: Source) => Status): Status {
    this.#isReverse = isReverse;
    this.#live.length = 0;
    this.#blocked = [];
    for (const [priority, source] of this.#sources.entries()) {
      const status = move(source);
      if (status === ENTRY) this.#live.push(priority);
      else if (status === BLOCKED) this.#blocked.push(source);
    }
    return this.#choose();
  }

  #moved(status: Status): Status {
    if (status === ENTRY) {
      const runnerUp = this.#runnerUp;
      if (runnerUp === undefined) return ENTRY;
      if (this.#isInFront(this.current, this.#currentPriority, runnerUp, this.#runnerUpPriority))
        return ENTRY;
      return this.#choose();
    }
    this.#live.splice(this.#live.indexOf(this.#currentPriority), 1);
    if (status === BLOCKED) this.#blocked.push(this.current);
    return this.#choose();
  }

  #choose(): Status {
    this.#current = undefined;
    this.#runnerUp = undefined;
    if (this.#blocked.length > 0) return BLOCKED;
    for (const priority of this.#live) {
      const source = this.#sources[priority]!;
      if (
        this.#current === undefined ||
        this.#isInFront(source, priority, this.#current, this.#currentPriority)
      ) {
        this.#runnerUp = this.#current;
        this.#runnerUpPriority = this.#currentPriority;
        this.#current = source;
        this.#currentPriority = priority;
      } else if (
        this.#runnerUp === undefined ||
        this.#isInFront(source, priority, this.#runnerUp, this.#runnerUpPriority)
      ) {
        this.#runnerUp = source;
        this.#runnerUpPriority = priority;
      }
    }
    return this.#current === undefined ? END : ENTRY;
  }

  #isInFront(a: Source, aPriority: number, b: Source, bPriority: number): boolean {
    let order = compareRanges(a.key, a.keyStart, a.keyEnd, b.key, b.keyStart, b.keyEnd);
    if (order === 0) {
      if (a.revision !== b.revision) order = a.revision > b.revision ? -1 : 1;
      else order = aPriority - bPriority;
    }
    return this.#isReverse ? order > 0 : order < 0;
  }
}
