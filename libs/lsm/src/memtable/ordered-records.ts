import { unreachable } from '@holdfast/io';
import { END, ENTRY, Source, type Status } from '../read/source.ts';
import { RECORD_HEAD_BYTES, recordKind, recordRevision } from './record.ts';

/** Records of a memtable that is no longer written, walked once from the first to the last. */
export class OrderedRecords extends Source {
  readonly #words: Uint32Array;
  readonly #order: Iterator<Uint32Array>;
  #part: Uint32Array = new Uint32Array(0);
  #at = 0;

  /**
   * @param records the arena from its first byte on.
   * @param order addresses of the records in key order, in parts.
   */
  constructor(records: Uint8Array, order: Iterable<Uint32Array>) {
    super();
    this.key = records;
    this.value = records;
    this.#words = new Uint32Array(records.buffer, records.byteOffset, records.length >>> 2);
    this.#order = order[Symbol.iterator]();
  }

  override seekFirst(): Status {
    return this.next();
  }

  override next(): Status {
    while (this.#at === this.#part.length) {
      const { done, value } = this.#order.next();
      if (done === true) return END;
      this.#part = value;
      this.#at = 0;
    }
    const address = this.#part[this.#at++]!;
    const words = this.#words;
    const word = address >>> 2;
    this.keyStart = address + RECORD_HEAD_BYTES;
    this.keyEnd = this.keyStart + words[word]!;
    this.revision = recordRevision(words, word);
    this.kind = recordKind(words, word);
    this.valueStart = this.keyEnd;
    this.valueEnd = this.keyEnd + words[word + 1]!;
    return ENTRY;
  }

  override close(): void {}

  override seek(): Status {
    return this.#onlyForward();
  }
  override seekBefore(): Status {
    return this.#onlyForward();
  }
  override seekLast(): Status {
    return this.#onlyForward();
  }
  override previous(): Status {
    return this.#onlyForward();
  }
  override load(): Promise<void> {
    return this.#onlyForward();
  }
  override resume(): Status {
    return this.#onlyForward();
  }

  #onlyForward(): never {
    return unreachable(undefined as never, 'a flush walks from the first record to the last');
  }
}
