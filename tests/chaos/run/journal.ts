import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Histories } from '../workloads/workload.ts';

const PROBLEMS_MAX = 20;

/** What happened in a run, with times, and what was wrong with it. */
export class Journal {
  readonly #startMs = performance.now();
  readonly #print: ((line: string) => void) | undefined;
  readonly lines: string[] = [];
  readonly #problems: string[] = [];
  #moreProblems = 0;

  /** @param print also told every line at once. */
  constructor(print: ((line: string) => void) | undefined) {
    this.#print = print;
  }

  get problems(): readonly string[] {
    if (this.#moreProblems === 0) return this.#problems;
    return [...this.#problems, `and ${this.#moreProblems} more`];
  }

  readonly note = (what: string): void => {
    const seconds = ((performance.now() - this.#startMs) / 1000).toFixed(2).padStart(7);
    const line = `${seconds} s  ${what}`;
    this.lines.push(line);
    this.#print?.(line);
  };

  /** Something that must not be: the run has failed, and goes on to see what else there is. */
  readonly report = (trouble: Error | string): void => {
    const text = trouble instanceof Error ? trouble.message : trouble;
    if (this.#problems.includes(text)) return;
    if (this.#problems.length < PROBLEMS_MAX) {
      this.#problems.push(text);
      this.note(`PROBLEM ${text}`);
    } else {
      this.#moreProblems++;
    }
  };

  /** Leaves everything in a directory: `journal.txt` and one file of JSON lines for each workload. */
  write(directory: string, histories: Histories | undefined): void {
    writeFileSync(join(directory, 'journal.txt'), `${this.lines.join('\n')}\n`);
    for (const [name, history] of Object.entries(histories ?? {})) {
      const lines: string[] = [...(history as { lines(): Iterable<string> }).lines()];
      writeFileSync(join(directory, `history-${name}.jsonl`), lines.map((line) => `${line}\n`).join(''));
    }
  }
}
