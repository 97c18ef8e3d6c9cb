import { assert, unreachable } from '@holdfast/io';
import { END, ENTRY, Source, type Status } from '../read/source.ts';
import type { Memtable } from './memtable.ts';
import { RECORD_HEAD_BYTES, recordKind, recordRevision } from './record.ts';
import type { Place } from './record-tree.ts';

/** Walks the records of a memtable below address `limit`; writes that come meanwhile do not disturb it. */
export class MemtableCursor extends Source {
  readonly #memtable: Memtable;
  readonly #limit: number;
  readonly #place: Place = { leaf: 0, index: 0 };
  #mutations = 0;
  #address = 0;

  constructor(memtable: Memtable, limit: number) {
    super();
    this.#memtable = memtable;
    this.#limit = limit;
    this.key = memtable.arena.bytes;
    this.value = memtable.arena.bytes;
  }

  override seek(key: Uint8Array, revision: number): Status {
    this.#mutations = this.#memtable.mutations;
    return this.#forward(this.#memtable.tree.seek(this.#place, key, 0, key.length, revision));
  }

  override seekBefore(key: Uint8Array, revision: number): Status {
    const { tree } = this.#memtable;
    this.#mutations = this.#memtable.mutations;
    const here = tree.seek(this.#place, key, 0, key.length, revision);
    return this.#backward(here ? tree.previous(this.#place) : tree.seekLast(this.#place));
  }

  override seekFirst(): Status {
    this.#mutations = this.#memtable.mutations;
    return this.#forward(this.#memtable.tree.seekFirst(this.#place));
  }

  override seekLast(): Status {
    this.#mutations = this.#memtable.mutations;
    return this.#backward(this.#memtable.tree.seekLast(this.#place));
  }

  override next(): Status {
    if (this.#mutations !== this.#memtable.mutations) this.#findAgain();
    return this.#forward(this.#memtable.tree.next(this.#place));
  }

  override previous(): Status {
    if (this.#mutations !== this.#memtable.mutations) this.#findAgain();
    return this.#backward(this.#memtable.tree.previous(this.#place));
  }

  override load(): Promise<void> {
    return unreachable(undefined as never, 'a memtable never blocks');
  }

  override resume(): Status {
    return unreachable(undefined as never, 'a memtable never blocks');
  }

  override close(): void {
    this.#address = 0;
  }

  #forward(here: boolean): Status {
    const { tree } = this.#memtable;
    let more = here;
    while (more) {
      const address = tree.addressAt(this.#place);
      if (address < this.#limit) return this.#stand(address);
      more = tree.next(this.#place);
    }
    return END;
  }

  #backward(here: boolean): Status {
    const { tree } = this.#memtable;
    let more = here;
    while (more) {
      const address = tree.addressAt(this.#place);
      if (address < this.#limit) return this.#stand(address);
      more = tree.previous(this.#place);
    }
    return END;
  }

  #stand(address: number): Status {
    const { words } = this.#memtable.arena;
    const word = address >>> 2;
    this.#address = address;
    this.keyStart = address + RECORD_HEAD_BYTES;
    this.keyEnd = this.keyStart + words[word]!;
    this.revision = recordRevision(words, word);
    this.kind = recordKind(words, word);
    this.valueStart = this.keyEnd;
    this.valueEnd = this.keyEnd + words[word + 1]!;
    return ENTRY;
  }

  /** Records never move in the arena, but their places in the tree do. */
  #findAgain(): void {
    const { tree, arena } = this.#memtable;
    let here = tree.seek(this.#place, arena.bytes, this.keyStart, this.keyEnd, this.revision);
    while (here && tree.addressAt(this.#place) !== this.#address) here = tree.next(this.#place);
    assert(here, 'a record stays in its memtable');
    this.#mutations = this.#memtable.mutations;
  }
}
