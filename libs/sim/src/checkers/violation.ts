/** An invariant that did not hold: the run stops here and its seed is kept. */
export class Violation extends Error {
  override readonly name = 'Violation';
  /** Short and stable, kebab-case: shrinking keeps runs that break the same one. */
  readonly invariant: string;

  constructor(invariant: string, detail: string) {
    super(`${invariant}: ${detail}`);
    this.invariant = invariant;
  }
}

/** Where a checker reports to. The first violation counts; it must not be swallowed by the code under test. */
export type Report = (violation: Violation) => void;

/** Counts of what happened, by name: the coverage of a run, and summed up, of a batch. */
export class Coverage {
  readonly #counts = new Map<string, number>();

  hit(name: string, times = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + times);
  }

  count(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  /** Sorted by name. */
  entries(): readonly (readonly [string, number])[] {
    return [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  add(other: Iterable<readonly [string, number]>): void {
    for (const [name, count] of other) this.hit(name, count);
  }
}
