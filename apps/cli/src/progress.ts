import { Presets, SingleBar } from 'cli-progress';
import type { Output } from './output.ts';

/** How far long work has come, on standard error; nothing at all where nobody looks. */
export class Progress implements Disposable {
  readonly #bar: SingleBar | undefined;
  readonly #startedMs = performance.now();

  /** @param total 0 = not known. */
  constructor(output: Output, what: string, total: number, unit: string) {
    if (!output.interactive) return;
    const format =
      total > 0
        ? `${what} {bar} {percentage}% | {done} ${unit} | {rate}/s | {eta_formatted} left`
        : `${what} {done} ${unit} | {rate}/s`;
    this.#bar = new SingleBar({ format, hideCursor: true, clearOnComplete: true }, Presets.rect);
    this.#bar.start(Math.max(1, total), 0, { done: 0, rate: 0 });
  }

  /** @param value of `total`. @param done what is shown and what the rate is of. */
  update(value: number, done: number): void {
    const seconds = Math.max(0.001, (performance.now() - this.#startedMs) / 1000);
    this.#bar?.update(value, {
      done: done.toLocaleString('en'),
      rate: Math.round(done / seconds).toLocaleString('en'),
    });
  }

  [Symbol.dispose](): void {
    this.#bar?.stop();
  }
}
