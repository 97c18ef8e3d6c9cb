import { assert } from '@holdfast/io';

/** What a {@link TimerWheel} links: an element waits for one moment at most. */
export interface Timed<T> {
  /** The moment, in milliseconds of a monotonic clock. */
  wakeAtMs: number;
  /** Slot of the wheel, -1 when it does not wait. */
  wheelSlot: number;
  wheelPrevious: T | undefined;
  wheelNext: T | undefined;
}

const SLOTS = 2048;
/** Width of a slot in milliseconds: what is due is seen at most this late, never early. */
export const WHEEL_STEP_MS = 4;

/**
 * The waits of many operations behind one timer: adding and removing cost a few writes, whatever their number
 * (Varghese and Lauck 1987, scheme 6). Nearly every wait is removed before it is due. Moments beyond the wheel's
 * 8 seconds wait in its last slot and are put back from there.
 */
export class TimerWheel<T extends Timed<T>> {
  readonly #slots: (T | undefined)[] = new Array<T | undefined>(SLOTS).fill(undefined);
  /** Steps up to this one have been looked at. */
  #step = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** @returns when {@link advance} must be called for it, at the latest, in milliseconds. */
  add(element: T, wakeAtMs: number, nowMs: number): number {
    assert(element.wheelSlot === -1, 'an element waits for one moment at most');
    if (this.#count === 0) this.#step = Math.max(this.#step, Math.floor(nowMs / WHEEL_STEP_MS));
    element.wakeAtMs = wakeAtMs;
    const wanted = Math.ceil(wakeAtMs / WHEEL_STEP_MS);
    const step = Math.min(Math.max(wanted, this.#step + 1), this.#step + SLOTS - 1);
    const slot = step % SLOTS;
    const head = this.#slots[slot];
    element.wheelSlot = slot;
    element.wheelPrevious = undefined;
    element.wheelNext = head;
    if (head !== undefined) head.wheelPrevious = element;
    this.#slots[slot] = element;
    this.#count++;
    return step * WHEEL_STEP_MS;
  }

  remove(element: T): void {
    const slot = element.wheelSlot;
    if (slot === -1) return;
    const { wheelPrevious, wheelNext } = element;
    if (wheelPrevious === undefined) this.#slots[slot] = wheelNext;
    else wheelPrevious.wheelNext = wheelNext;
    if (wheelNext !== undefined) wheelNext.wheelPrevious = wheelPrevious;
    element.wheelSlot = -1;
    element.wheelPrevious = undefined;
    element.wheelNext = undefined;
    this.#count--;
  }

  /** Takes out everything that is due and gives it to `onDue`, which may add and remove. */
  advance(nowMs: number, onDue: (element: T) => void): void {
    const target = Math.floor(nowMs / WHEEL_STEP_MS);
    // After a long sleep one full turn sees everything.
    this.#step = Math.max(this.#step, target - SLOTS);
    while (this.#step < target && this.#count > 0) {
      this.#step++;
      const slot = this.#step % SLOTS;
      for (let element = this.#slots[slot]; element !== undefined; element = this.#slots[slot]) {
        this.remove(element);
        if (element.wakeAtMs > nowMs) this.add(element, element.wakeAtMs, nowMs);
        else onDue(element);
      }
    }
    this.#step = Math.max(this.#step, target);
  }

  /** Takes out everything and gives it to `each`. */
  drain(each: (element: T) => void): void {
    for (let slot = 0; slot < SLOTS; slot++) {
      for (let element = this.#slots[slot]; element !== undefined; element = this.#slots[slot]) {
        this.remove(element);
        each(element);
      }
    }
  }

  /** When the next element may be due, in milliseconds; undefined when nothing waits. */
  nextMs(): number | undefined {
    if (this.#count === 0) return undefined;
    for (let step = this.#step + 1; step < this.#step + SLOTS; step++) {
      if (this.#slots[step % SLOTS] !== undefined) return step * WHEEL_STEP_MS;
    }
    return undefined;
  }
}
