import { assert } from '@holdfast/io';

/** What an {@link OpList} links: an element is in one list at most, and knows which. */
export interface Listed<T extends Listed<T>> {
  list: OpList<T> | undefined;
  listPrevious: T | undefined;
  listNext: T | undefined;
}

/** A queue whose elements can leave from anywhere at once: links live in the elements, nothing is allocated. */
export class OpList<T extends Listed<T>> {
  first: T | undefined;
  #last: T | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(element: T): void {
    assert(element.list === undefined, 'an element is in one list at most');
    element.list = this;
    element.listPrevious = this.#last;
    element.listNext = undefined;
    if (this.#last === undefined) this.first = element;
    else this.#last.listNext = element;
    this.#last = element;
    this.#length++;
  }

  unshift(element: T): void {
    assert(element.list === undefined, 'an element is in one list at most');
    element.list = this;
    element.listPrevious = undefined;
    element.listNext = this.first;
    if (this.first === undefined) this.#last = element;
    else this.first.listPrevious = element;
    this.first = element;
    this.#length++;
  }

  shift(): T | undefined {
    const element = this.first;
    if (element !== undefined) this.remove(element);
    return element;
  }

  remove(element: T): void {
    assert(element.list === this, 'the element is in this list');
    const { listPrevious, listNext } = element;
    if (listPrevious === undefined) this.first = listNext;
    else listPrevious.listNext = listNext;
    if (listNext === undefined) this.#last = listPrevious;
    else listNext.listPrevious = listPrevious;
    element.list = undefined;
    element.listPrevious = undefined;
    element.listNext = undefined;
    this.#length--;
  }

  /** Moves everything into `target`, in order. */
  moveTo(target: OpList<T>): void {
    for (let element = this.shift(); element !== undefined; element = this.shift()) target.push(element);
  }
}
