/// <reference lib="esnext.disposable" preserve="true" />

/** Where {@link RowIterator} takes its rows from, page by page. */
export interface RowSource<T> {
  /** The next row of the page at hand; undefined at its end. May throw. */
  take(): T | undefined;
  /** Goes on to the next page; false when there is none. */
  load(): Promise<boolean>;
}

/**
 * Rows as an asynchronous generator gives them, for less: a row of the page at hand costs one settled promise and no
 * turn of a generator. Calls that come before the last one has its row are answered one after the other.
 */
export class RowIterator<T> implements AsyncGenerator<T, void, undefined> {
  readonly #source: RowSource<T>;
  /** Ends when every call so far has its row. */
  #busy: Promise<unknown> | undefined;
  #over = false;

  constructor(source: RowSource<T>) {
    this.#source = source;
  }

  next(): Promise<IteratorResult<T, void>> {
    if (this.#busy === undefined) {
      const row = this.#taken();
      if (row instanceof Promise) return row;
      if (row !== undefined) return Promise.resolve({ done: false, value: row });
      if (this.#over) return Promise.resolve(DONE);
    }
    const result = this.#busy === undefined ? this.#advance() : this.#busy.then(() => this.#advance());
    const settled = result.then(nothing, nothing).then(() => {
      if (this.#busy === settled) this.#busy = undefined;
    });
    this.#busy = settled;
    return result;
  }

  return(): Promise<IteratorResult<T, void>> {
    this.#over = true;
    return Promise.resolve(DONE);
  }

  throw(error: unknown): Promise<IteratorResult<T, void>> {
    this.#over = true;
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** A row; undefined when the page is empty; a failed promise when the row can not be read. */
  #taken(): T | undefined | Promise<never> {
    if (this.#over) return undefined;
    try {
      return this.#source.take();
    } catch (error) {
      this.#over = true;
      return Promise.reject(error);
    }
  }

  async #advance(): Promise<IteratorResult<T, void>> {
    try {
      while (!this.#over) {
        const row = this.#source.take();
        if (row !== undefined) return { done: false, value: row };
        if (!(await this.#source.load())) this.#over = true;
      }
      return DONE;
    } catch (error) {
      this.#over = true;
      throw error;
    }
  }
}

const DONE = { done: true, value: undefined } as const;
const nothing = (): void => undefined;
